import type { JsonValue } from './json.js';

/** A file of the context, identified by its content. Paths are relative to the experiment file's folder. */
export class FileReference {
  readonly kind = 'file';
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** A folder of the context, identified by its files' relative paths and contents. */
export class DirReference {
  readonly kind = 'dir';
  readonly path: string;
  readonly pattern: string | undefined;
  constructor(path: string, pattern?: string) {
    this.path = path;
    this.pattern = pattern;
  }
}

/** A file that all runs read. In the operation it is a {@link ContextFile}. */
export function file(path: string): FileReference {
  return new FileReference(path);
}

/**
 * A folder that all runs read. In the operation it is a {@link ContextDir}.
 *
 * @param options.pattern a glob such as `**\/*.csv`; without it, every file counts
 */
export function dir(path: string, options: { readonly pattern?: string } = {}): DirReference {
  return new DirReference(path, options.pattern);
}

/** What an operation finds where the context has `file()`: an absolute path and the content's SHA-256. */
export interface ContextFile {
  readonly path: string;
  readonly content_hash: string;
  readonly size_bytes: number;
}

/** What an operation finds where the context has `dir()`. `files` are relative to `path`, sorted. */
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
