import { type Extension, installedExtensions } from '../extensions/installed.js';
import { loadExtension } from '../extensions/load.js';
import type { EnvironmentType } from './environment-type.js';

/** The types of environments, by their name in `type = "…"`. */
const TYPES: { readonly [type: string]: () => Promise<EnvironmentType> } = {
  local: async () => (await import('./types/local.js')).local as EnvironmentType,
  slurm: async () => (await import('./types/slurm.js')).slurm as EnvironmentType,
};

/** A type, and the package that it comes from. */
export interface FoundType {
  readonly name: string;
  readonly type: EnvironmentType;
  readonly extension: Extension | undefined;
}

/** Finds types of environments: metalab's own, and those of packages installed where a project is. */
export class EnvironmentTypes {
  readonly #folder: string;
  readonly #found = new Map<string, Promise<FoundType | undefined>>();
  #installed: Promise<Extension[]> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  find(name: string): Promise<FoundType | undefined> {
    let found = this.#found.get(name);
    if (!found) {
      found = this.#load(name);
      this.#found.set(name, found);
    }
    return found;
  }

  async names(): Promise<string[]> {
    return [...Object.keys(TYPES), ...(await this.#extensions()).map(({ name }) => name)];
  }

  async #load(name: string): Promise<FoundType | undefined> {
    const load = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    if (load) return { name, type: await load(), extension: undefined };
    const extension = (await this.#extensions()).find((candidate) => candidate.name === name);
    return extension && { name, type: (await loadExtension(extension)) as EnvironmentType, extension };
  }

  #extensions(): Promise<Extension[]> {
    this.#installed ??= installedExtensions('environments', this.#folder);
    return this.#installed;
  }
}
