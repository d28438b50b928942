import type { Problem } from './errors.js';
import type { JsonValue } from './json.js';
import { formatValue, optionProblems, refuse } from './refuse.js';

/** Where a file of the context is, if not on the machine that submits: where the environment's runs are executed. */
export interface PlaceOptions {
  /**
   * `cluster`: the path is the cluster's, absolute or relative to the login's home there. The file is hashed there and
   * never copied.
   */
  readonly on?: 'cluster';
}

/** A file of the context, identified by its content. Paths are relative to the experiment file's folder. */
export class FileReference {
  readonly kind = 'file';
  readonly path: string;
  readonly on: 'cluster' | undefined;
  constructor(path: string, on?: 'cluster') {
    this.path = path;
    this.on = on;
  }
}

/**
 * The rule that selects a folder's files. Without one, as in old declarations, all files count. 2: files that systems,
 * editors and interpreters leave in folders don't count, unless the pattern names them.
 */
export type DirRule = 2;

/** A folder of the context, identified by its files' relative paths and contents. */
export class DirReference {
  readonly kind = 'dir';
  readonly path: string;
  readonly pattern: string | undefined;
  readonly on: 'cluster' | undefined;
  readonly rule: DirRule | undefined;
  constructor(path: string, pattern?: string, on?: 'cluster', rule?: DirRule) {
    this.path = path;
    this.pattern = pattern;
    this.on = on;
    this.rule = rule;
  }
}

/** A file that all runs read. In the operation it is a {@link ContextFile}. */
export function file(path: string, options: PlaceOptions = {}): FileReference {
  refuse([...pathProblems('file', path), ...optionProblems('file', options, ['on'])]);
  return new FileReference(path, options.on);
}

/**
 * A folder that all runs read. In the operation it is a {@link ContextDir}.
 *
 * @param options.pattern a glob such as `**\/*.csv`; without it, every file counts but what systems, editors and
 *   interpreters leave in folders (`.DS_Store`, `*~`, `__pycache__`, `.git` …), which a pattern has to name
 */
export function dir(path: string, options: PlaceOptions & { readonly pattern?: string } = {}): DirReference {
  refuse([...pathProblems('dir', path), ...optionProblems('dir', options, ['on', 'pattern'])]);
  return new DirReference(path, options.pattern, options.on, 2);
}

function pathProblems(where: string, path: unknown): Problem[] {
  if (typeof path === 'string' && path !== '') return [];
  return [{ where, what: `got ${formatValue(path)}`, expected: 'a path' }];
}

/** What an operation gets for a `file()` of the context: an absolute path and the content's SHA-256. */
export interface ContextFile {
  readonly path: string;
  readonly content_hash: string;
  readonly size_bytes: number;
}

/** What an operation gets for a `dir()` of the context. `files` are relative to `path`, sorted. */
export interface ContextDir {
  readonly path: string;
  readonly content_hash: string;
  readonly files: readonly string[];
}

/** What a context may hold: plain JSON, `file()`, `dir()`, and objects and arrays of them. */
export type ContextValue =
  | JsonValue
  | FileReference
  | DirReference
  | readonly ContextValue[]
  | { readonly [key: string]: ContextValue };

/** The context as the operation sees it: files and folders resolved, everything deeply frozen. */
export type Resolved<T> = T extends FileReference
  ? ContextFile
  : T extends DirReference
    ? ContextDir
    : T extends readonly (infer Item)[]
      ? readonly Resolved<Item>[]
      : T extends object
        ? { readonly [Key in keyof T]: Resolved<T[Key]> }
        : T;
