import { resolve } from 'node:path';
import { type ContextValue, DirReference, FileReference } from '../definition/context.js';
import type { ContextReference, HashedFile } from '../definition/declaration.js';
import type { Problem } from '../definition/errors.js';
import type { JsonValue } from '../definition/json.js';
import { CanonicalError, toPlainJson } from './canonical.js';
import { FileHasher } from './files.js';
import { contextFingerprint } from './fingerprint.js';

export interface ResolvedContext {
  /** The context as data: {@link ContextReference}s in place of files and folders, with absolute paths. */
  readonly context: { readonly [key: string]: JsonValue };
  /** Made of values and contents only: no path, time or machine counts. */
  readonly fingerprint: string;
  readonly files: readonly HashedFile[];
  /** Everything that is wrong. Where there is anything, the rest means nothing. */
  readonly problems: readonly Problem[];
}

/**
 * Hashes the files and folders of a context, and tells its identity.
 *
 * @param baseFolder what relative paths are relative to: the experiment file's folder
 */
export async function resolveContext(
  context: { readonly [key: string]: ContextValue },
  baseFolder: string,
  hasher: FileHasher = new FileHasher(),
): Promise<ResolvedContext> {
  const resolution = new ContextResolution(baseFolder, hasher);
  const both = await resolution.of(context, 'context');
  const { files, problems } = resolution;
  return {
    context: both.data as ResolvedContext['context'],
    fingerprint: problems.length > 0 ? '' : contextFingerprint(both.identity as ResolvedContext['context']),
    files,
    problems,
  };
}

/** A value twice: as the declaration holds it, and as its fingerprint is made of it. */
interface Both {
  readonly data: JsonValue;
  readonly identity: JsonValue;
}

const same = (value: JsonValue): Both => ({ data: value, identity: value });

class ContextResolution {
  readonly files: HashedFile[] = [];
  readonly problems: Problem[] = [];
  readonly #base: string;
  readonly #hasher: FileHasher;
  readonly #ancestors = new Set<object>();

  constructor(base: string, hasher: FileHasher) {
    this.#base = base;
    this.#hasher = hasher;
  }

  async of(value: unknown, path: string): Promise<Both> {
    if (value instanceof FileReference) return this.#file(value, path);
    if (value instanceof DirReference) return this.#dir(value, path);
    if (!holdsReference(value, new Set())) return this.#plain(value, path);
    // Only containers of references get here, and they are not shared with themselves: see holdsReference.
    if (this.#ancestors.has(value)) return this.#plain(value, path);
    this.#ancestors.add(value);
    const both = Array.isArray(value) ? await this.#array(value, path) : await this.#record(value, path);
    this.#ancestors.delete(value);
    return both;
  }

  async #array(values: readonly unknown[], path: string): Promise<Both> {
    const items: Both[] = [];
    for (const [index, value] of values.entries()) items.push(await this.of(value, `${path}[${index}]`));
    return { data: items.map(({ data }) => data), identity: items.map(({ identity }) => identity) };
  }

  async #record(value: object, path: string): Promise<Both> {
    const entries: [string, Both][] = [];
    for (const [key, item] of Object.entries(value))
      entries.push([key, await this.of(item, `${path}.${key}`)]);
    return {
      data: Object.fromEntries(entries.map(([key, { data }]) => [key, data])),
      identity: Object.fromEntries(entries.map(([key, { identity }]) => [key, identity])),
    };
  }

  #plain(value: unknown, path: string): Both {
    try {
      return same(toPlainJson(value, path));
    } catch (error) {
      if (!(error instanceof CanonicalError)) throw error;
      this.problems.push(...error.problems);
      return same(null);
    }
  }

  async #file(reference: FileReference, path: string): Promise<Both> {
    const [hashed] = await this.#hasher.hashAll([resolve(this.#base, reference.path)]);
    if (!hashed || 'what' in hashed) return this.#refuse(path, reference, hashed ? [hashed] : []);
    this.files.push(hashed);
    const { content_hash, size_bytes } = hashed;
    const data: ContextReference = { $metalab: 'file', path: hashed.path, content_hash, size_bytes };
    return { data, identity: { $file: content_hash } };
  }

  async #dir(reference: DirReference, path: string): Promise<Both> {
    const folder = resolve(this.#base, reference.path);
    const hashed = await this.#hasher.hashDir(folder, reference.pattern);
    if (hashed.problems.length > 0) return this.#refuse(path, reference, hashed.problems);
    this.files.push(...hashed.hashed);
    const { content_hash, files } = hashed;
    const data: ContextReference = { $metalab: 'dir', path: folder, content_hash, files };
    return { data: { ...data, files: [...files] }, identity: { $dir: content_hash } };
  }

  #refuse(path: string, { path: written }: { readonly path: string }, problems: readonly Problem[]): Both {
    for (const { where, what, ...rest } of problems) {
      this.problems.push({ where: `${path} ('${written}')`, what: `${where} ${what}`, ...rest });
    }
    return same(null);
  }
}

/** Whether a plain container has a reference somewhere in it. Other objects are for canonical JSON to judge. */
function holdsReference(value: unknown, seen: Set<object>): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof FileReference || value instanceof DirReference) return true;
  if (seen.has(value)) return false;
  seen.add(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isContainer = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  return isContainer && Object.values(value).some((item) => holdsReference(item, seen));
}
