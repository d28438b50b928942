import { type Extension, type ExtensionKind, installedExtensions } from './installed.js';
import { loadExtension } from './load.js';

/** An item of a registry, and the package that it comes from; undefined: metalab itself. */
export interface Found<Item> {
  readonly name: string;
  readonly item: Item;
  readonly extension: Extension | undefined;
}

/** Finds items by name: metalab's own, and those of packages installed where a project is. */
export class Registry<Item> {
  readonly #kind: ExtensionKind;
  readonly #own: { readonly [name: string]: () => Promise<Item> };
  readonly #folder: string;
  readonly #found = new Map<string, Promise<Found<Item> | undefined>>();
  #installed: Promise<Extension[]> | undefined;

  /** @param folder the project's: packages in its `node_modules`, and in those above it, are searched */
  constructor(kind: ExtensionKind, own: { readonly [name: string]: () => Promise<Item> }, folder: string) {
    this.#kind = kind;
    this.#own = own;
    this.#folder = folder;
  }

  /** @throws UsageError METALAB_EXTENSION if the package that has it is broken */
  find(name: string): Promise<Found<Item> | undefined> {
    let found = this.#found.get(name);
    if (!found) {
      found = this.#load(name);
      this.#found.set(name, found);
    }
    return found;
  }

  async names(): Promise<string[]> {
    return [...Object.keys(this.#own), ...(await this.#extensions()).map(({ name }) => name)];
  }

  async #load(name: string): Promise<Found<Item> | undefined> {
    const load = Object.hasOwn(this.#own, name) ? this.#own[name] : undefined;
    if (load) return { name, item: await load(), extension: undefined };
    const extension = (await this.#extensions()).find((candidate) => candidate.name === name);
    return extension && { name, item: (await loadExtension(extension)) as Item, extension };
  }

  #extensions(): Promise<Extension[]> {
    this.#installed ??= installedExtensions(this.#kind, this.#folder);
    return this.#installed;
  }
}
