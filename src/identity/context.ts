import { resolve } from 'node:path';
import { type ContextValue, DirReference, FileReference } from '../definition/context.js';
import type { ContextReference, HashedFile } from '../definition/declaration.js';
import type { Problem } from '../definition/errors.js';
import type { JsonValue } from '../definition/json.js';
import { CanonicalError, toPlainJson } from './canonical.js';
import { type ContextHasher, FileHasher } from './files.js';
import { contextFingerprint } from './fingerprint.js';

export interface ResolvedContext {
  /** The context as data: {@link ContextReference}s in place of files and folders, with absolute paths. */
  readonly context: { readonly [key: string]: JsonValue };
  /** Depends only on values and contents, not on paths, times or the machine. */
  readonly fingerprint: string;
  readonly files: readonly HashedFile[];
  /** Everything that is wrong. If this is not empty, the rest is not valid. */
  readonly problems: readonly Problem[];
}

/**
 * Hashes the files and folders of a context, and computes its fingerprint.
 *
 * @param baseFolder the experiment file's folder: relative paths are relative to it
 * @param cluster hashes files and folders on the cluster; undefined if there is no cluster
 */
export async function resolveContext(
  context: { readonly [key: string]: ContextValue },
  baseFolder: string,
  hasher: ContextHasher = new FileHasher(),
  cluster?: ContextHasher,
): Promise<ResolvedContext> {
  const resolution = new ContextResolution(baseFolder, hasher, cluster);
  const both = await resolution.of(context, 'context');
  const { files, problems } = resolution;
  return {
    context: both.data as ResolvedContext['context'],
    fingerprint: problems.length > 0 ? '' : contextFingerprint(both.identity as ResolvedContext['context']),
    files,
    problems,
  };
}

/** A value in two forms: for the declaration and for the fingerprint. */
interface Both {
  readonly data: JsonValue;
  readonly identity: JsonValue;
}

const same = (value: JsonValue): Both => ({ data: value, identity: value });

class ContextResolution {
  readonly files: HashedFile[] = [];
  readonly problems: Problem[] = [];
  readonly #base: string;
  readonly #hasher: ContextHasher;
  readonly #cluster: ContextHasher | undefined;
  readonly #ancestors = new Set<object>();

  constructor(base: string, hasher: ContextHasher, cluster: ContextHasher | undefined) {
    this.#base = base;
    this.#hasher = hasher;
    this.#cluster = cluster;
  }

  async of(value: unknown, path: string): Promise<Both> {
    if (value instanceof FileReference) return this.#file(value, path);
    if (value instanceof DirReference) return this.#dir(value, path);
    if (!holdsReference(value, new Set())) return this.#plain(value, path);
    // Only containers of references get here, and they have no cycles: see holdsReference.
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
    const { hasher, place, on } = this.#placeOf(reference);
    if (!hasher) return this.#refuse(path, reference, [wrongPlace(on.on)]);
    const [hashed] = await hasher.hashAll([place]);
    if (!hashed || 'what' in hashed) return this.#refuse(path, reference, hashed ? [hashed] : []);
    this.files.push({ ...hashed, ...on });
    const { content_hash, size_bytes } = hashed;
    const data: ContextReference = { $metalab: 'file', ...on, path: hashed.path, content_hash, size_bytes };
    return { data, identity: { $file: content_hash } };
  }

  async #dir(reference: DirReference, path: string): Promise<Both> {
    const { hasher, place, on } = this.#placeOf(reference);
    if (!hasher) return this.#refuse(path, reference, [wrongPlace(on.on)]);
    const hashed = await hasher.hashDir(place, reference.pattern, reference.rule);
    if (hashed.problems.length > 0) return this.#refuse(path, reference, hashed.problems);
    // One by one, because a folder may have more files than a call can have arguments.
    for (const file of hashed.hashed) this.files.push({ ...file, ...on });
    const { content_hash, files } = hashed;
    const rule = reference.rule === undefined ? {} : { rule: reference.rule };
    const data: ContextReference = {
      $metalab: 'dir',
      ...on,
      ...rule,
      path: hashed.path,
      content_hash,
      files,
    };
    return { data: { ...data, files: [...files] }, identity: { $dir: content_hash } };
  }

  #placeOf({ path, on }: FileReference | DirReference) {
    if (on === undefined) return { hasher: this.#hasher, place: resolve(this.#base, path), on: {} };
    return { hasher: on === 'cluster' ? this.#cluster : undefined, place: path, on: { on } };
  }

  #refuse(path: string, { path: written }: { readonly path: string }, problems: readonly Problem[]): Both {
    for (const { where, what, ...rest } of problems) {
      const subject = where === undefined ? what : `${where} ${what}`;
      this.problems.push({ where: `${path} ('${written}')`, what: subject, ...rest });
    }
    return same(null);
  }
}

const wrongPlace = (on: string | undefined): Problem =>
  on === 'cluster'
    ? { what: 'is on a cluster, and there is none here', next: 'submit with --env NAME' }
    : { what: `says on: ${JSON.stringify(on)}`, expected: "on: 'cluster', or nothing for this machine" };

/** Whether a plain container has a reference somewhere in it. Canonical JSON checks other objects. */
function holdsReference(value: unknown, seen: Set<object>): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof FileReference || value instanceof DirReference) return true;
  if (seen.has(value)) return false;
  seen.add(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isContainer = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  return isContainer && Object.values(value).some((item) => holdsReference(item, seen));
}
