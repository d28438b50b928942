import type { HashedFile } from './declaration.js';

/**
 * Where a context's files are on another machine than the one that declared them. Identity knows contents only, so moving
 * them changes nothing.
 */
export class ContextPlaces {
  readonly #places: ReadonlyMap<string, string>;

  /** @param places by the path of a `file()` or `dir()` in the declaration's context */
  constructor(places: { readonly [path: string]: string } = {}) {
    this.#places = new Map(Object.entries(places));
  }

  /** The place of a `file()` or `dir()`: its own path if no other is known. */
  of(path: string): string {
    return this.#places.get(path) ?? path;
  }

  /** The places of a file: as a `file()`, and in every `dir()` that contains it. */
  allOf({ path, on }: Pick<HashedFile, 'path' | 'on'>): readonly string[] {
    if (on) return [path];
    const all: string[] = [];
    for (const [declared, place] of this.#places) {
      if (declared === path) all.push(place);
      else if (path.startsWith(`${declared}/`)) all.push(place + path.slice(declared.length));
    }
    return all.length > 0 ? all : [path];
  }
}
