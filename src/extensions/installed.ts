import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isObject } from '../definition/type-guards.js';

/** The registries that a package may add to: keys of `"metalab": { … }` in its package.json. */
export type ExtensionKind = 'environments' | 'executors' | 'services' | 'stores';

/** What an installed package adds to a registry. Plain JSON. */
export interface Extension {
  readonly kind: ExtensionKind;
  readonly name: string;
  readonly package: string;
  /** The package's folder. */
  readonly folder: string;
  /** Absolute path of the module whose default export it is. */
  readonly module: string;
}

/**
 * What packages in the `node_modules` of a folder, and of those above it, add to a registry; the nearest name wins.
 * Reads a package.json for every package there: 20 ms for 200.
 */
export async function installedExtensions(kind: ExtensionKind, folder: string): Promise<Extension[]> {
  const found = new Map<string, Extension>();
  for (const place of upwards(folder)) {
    for (const extension of await extensionsIn(kind, join(place, 'node_modules')))
      if (!found.has(extension.name)) found.set(extension.name, extension);
  }
  return [...found.values()];
}

function* upwards(folder: string): Generator<string> {
  for (let place = resolve(folder); ; place = dirname(place)) {
    yield place;
    if (dirname(place) === place) return;
  }
}

async function extensionsIn(kind: ExtensionKind, modules: string): Promise<Extension[]> {
  const names = await namesIn(modules);
  const scoped = names.filter((name) => name.startsWith('@'));
  const inScopes = await Promise.all(
    scoped.map(async (scope) => (await namesIn(join(modules, scope))).map((name) => `${scope}/${name}`)),
  );
  const packages = [...names.filter((name) => !/^[@.]/.test(name)), ...inScopes.flat()].sort();
  return (await Promise.all(packages.map((name) => extensionsOf(kind, join(modules, name))))).flat();
}

const namesIn = (folder: string) => readdir(folder).catch((): string[] => []);

/** What the package in a folder adds to a registry. */
export async function extensionsOf(kind: ExtensionKind, folder: string): Promise<Extension[]> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  // Most packages have nothing for metalab: not parsing them halves the time.
  if (!text?.includes('"metalab"')) return [];
  const { name, metalab } = parseManifest(text);
  const entries = isObject(metalab) && isObject(metalab[kind]) ? Object.entries(metalab[kind]) : [];
  return entries.flatMap(([key, module]) =>
    typeof module === 'string'
      ? [{ kind, name: key, package: String(name), folder, module: resolve(folder, module) }]
      : [],
  );
}

function parseManifest(text: string): { readonly [key: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
