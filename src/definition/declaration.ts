import type { DirRule } from './context.js';
import type { FailureLimit } from './failure-limit.js';
import type { JsonObject, JsonValue } from './json.js';
import type { Objective } from './objective.js';
import type { ParamSpec } from './params/source.js';
import type { Resources } from './resources.js';
import type { SeedPlan } from './seeds.js';

/** The version of the fingerprint scheme. Release notes say when it changes. */
export const FINGERPRINT_SCHEME = 1;

/** A file of the context, hashed: `mtime_ms` and `inode` tell cheaply that it has not changed since. */
export interface HashedFile {
  readonly path: string;
  /** Missing if it is on the machine that submitted. */
  readonly on?: 'cluster';
  readonly content_hash: string;
  readonly size_bytes: number;
  readonly mtime_ms: number;
  readonly inode: number;
}

/** Where a context value is a file or folder, the declaration's context holds one of these in its place. */
export type ContextReference =
  | {
      readonly $metalab: 'file';
      readonly on?: 'cluster';
      readonly path: string;
      readonly content_hash: string;
      readonly size_bytes: number;
    }
  | {
      readonly $metalab: 'dir';
      readonly on?: 'cluster';
      /** Missing in old declarations: every file counted. */
      readonly rule?: DirRule;
      readonly path: string;
      readonly content_hash: string;
      readonly files: readonly string[];
    };

/** An operation as data: what slots execute, and what its code's identity is made of. */
export type OperationDeclaration = TypeScriptOperation;

/** What all kinds of operations have. */
interface DeclaredOperation {
  /** The operation's name, for people. */
  readonly name: string;
  /** `path#name`, the path relative to the experiment file's folder. For people; never part of identity. */
  readonly ref: string;
  readonly code_fingerprint: string;
  /** SHA-256 of the code that slots execute, its name under `bundles/`. */
  readonly bundle: string;
  /** Hash of the part of every module that the operation reaches, by path relative to the experiment's folder. */
  readonly modules: { readonly [path: string]: string };
  /** Version (or content hash, for linked packages) of every package that the operation imports. */
  readonly packages: { readonly [name: string]: string };
}

/** A function that a TypeScript or JavaScript module exports under `name`. */
export interface TypeScriptOperation extends DeclaredOperation {
  readonly kind: 'typescript';
  /** Packages that can't be bundled because they hold native code: imported from where the experiment is. */
  readonly native: readonly string[];
}

/** The code of derived metrics. */
export interface DerivationDeclaration {
  /** `path#name`, the path relative to the experiment file's folder. For people. */
  readonly ref: string;
  /** Values count for this code only. */
  readonly code_fingerprint: string;
}

/** An experiment as data: all that planning and running need. Content-addressed in the store, never evaluated again. */
export interface ExperimentDeclaration {
  readonly scheme: typeof FINGERPRINT_SCHEME;
  readonly experiment_id: string;
  readonly name: string;
  readonly version: string;
  /** What its runs were imported from: it can't be executed. Missing if it was declared here. */
  readonly imported_from?: string;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly metadata: JsonObject;
  readonly operation: OperationDeclaration;
  readonly params: ParamSpec;
  readonly seeds: SeedPlan;
  /** The context with {@link ContextReference}s in place of files and folders. */
  readonly context: { readonly [key: string]: JsonValue };
  readonly context_fingerprint: string;
  /** Every file of the context, for noticing that one has changed. */
  readonly files: readonly HashedFile[];
  readonly retries: number;
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** Whether each run has a process of its own. */
  readonly isolate?: true;
  /** Missing if the experiment names none. */
  readonly objective?: Objective;
  /** Missing if the experiment names none. */
  readonly max_failures?: FailureLimit;
  /** Derived metrics by their derivation's name; their code is in the operation's bundle. Missing if there are none. */
  readonly derived?: { readonly [name: string]: DerivationDeclaration };
  /** Missing if the experiment asks for none. */
  readonly resources?: Resources;
  readonly env: readonly string[];
  /** The experiment file's folder: the working directory of runs. */
  readonly cwd: string;
}

/** How many cells a declaration has: cases × replicates. Cell index = case × replicates + replicate. */
export function countCells(cases: number, seeds: SeedPlan): number {
  return cases * seeds.replicates;
}
