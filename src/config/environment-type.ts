import type { Problem } from '../definition/errors.js';
import type { ResolvedEnvironment } from './resolved-config.js';

/** A problem with a value, as reported by zod. */
export interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  /** What was expected. */
  readonly message: string;
  readonly keys?: readonly string[];
}

/** The part of a zod schema that the configuration needs: a package may have its own zod. */
export interface Schema<Settings = unknown> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: Settings }
    | { readonly success: false; readonly error: { readonly issues: readonly Issue[] } };
}

/** The keys of all environments. */
export interface EnvironmentCommon {
  readonly name: string;
  readonly store?: string;
  readonly services: { readonly [service: string]: unknown };
}

/**
 * A type of environments: the default export of a module that a package names under `"metalab": { "environments": … }`.
 * Every key of its own has a `METALAB_*` variable where its schema is a zod object.
 */
export interface EnvironmentType<Settings = unknown> {
  /** Of an environment's table without `type`, `store` and `services`: best a `z.strictObject`, `executor` too. */
  readonly schema: Schema<Settings>;
  /** Keys, dotted, whose values are paths on this machine: made absolute before the schema sees them. */
  readonly paths?: readonly string[];
  /** Descriptions of defaults, for people, by dotted key. */
  readonly defaults?: { readonly [key: string]: string };
  /** Creates the environment from checked settings. Default: an ExtensionEnvironment that has them as `settings`. */
  resolve?(common: EnvironmentCommon, settings: Settings): ResolvedEnvironment;
  /** Problems that involve more than one value; `where` is a dotted key. */
  check?(settings: Settings): readonly Problem[];
}
