import type { Extension } from '../extensions/installed.js';
import { Registry } from '../extensions/registry.js';
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
  readonly #registry: Registry<EnvironmentType>;

  constructor(folder: string) {
    this.#registry = new Registry('environments', TYPES, folder);
  }

  async find(name: string): Promise<FoundType | undefined> {
    const found = await this.#registry.find(name);
    return found && { name, type: found.item, extension: found.extension };
  }

  names(): Promise<string[]> {
    return this.#registry.names();
  }
}
