import type { Problem } from '../definition/errors.js';
import type { ResolvedEnvironment } from './resolved-config.js';

/** What is wrong with a value, as zod says it. */
export interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  /** What was expected. */
  readonly message: string;
  readonly keys?: readonly string[];
}

/** The part of a zod schema that the configuration needs: a package may have a zod of its own. */
export interface Schema<Settings = unknown> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: Settings }
    | { readonly success: false; readonly error: { readonly issues: readonly Issue[] } };
}

/** What all environments have. */
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
  /** What stands where a key is not given, in words for people, by dotted key. */
  readonly defaults?: { readonly [key: string]: string };
  /** Makes the environment of checked settings. Default: an ExtensionEnvironment that has them as `settings`. */
  resolve?(common: EnvironmentCommon, settings: Settings): ResolvedEnvironment;
  /** Mistakes that no single value shows; `where` is a dotted key. */
  check?(settings: Settings): readonly Problem[];
}
