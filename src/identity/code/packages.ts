import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { namesIn } from '../../access/names-in.js';

/** An installed package, identified by its own package.json, whatever its name in an alias or a registry. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

const MODULES_FOLDER = `${sep}node_modules${sep}`;

/** Whether a real path is in an installed package. Linked and workspace packages count as the user's own source. */
export const isInstalled = (path: string) => path.includes(MODULES_FOLDER);

/** The folder in `node_modules` of the package that a path is in: `…/node_modules/@scope/name`. */
const INSTALLED_ROOT = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly gypfile?: boolean;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly dependencies?: { readonly [name: string]: string };
  readonly optionalDependencies?: { readonly [name: string]: string };
  readonly peerDependencies?: { readonly [name: string]: string };
}

/** Finds the packages of files. Created for each build, so that each package.json is read once per build. */
export class PackageIndex {
  readonly #manifests = new Map<string, PackageJson | undefined>();
  readonly #byFolder = new Map<string, InstalledPackage | undefined>();

  /** The package that a file belongs to: the installed one, otherwise that of the nearest package.json with a name above it. */
  of(file: string): InstalledPackage | undefined {
    // Some packages have further package.json files inside, with names and no version.
    const root = INSTALLED_ROOT.exec(file)?.[0];
    return (root === undefined ? undefined : this.#at(root)) ?? this.#around(dirname(file));
  }

  /**
   * The dependencies that an installed package declares, as Node resolves them from it, by the names by which it
   * imports them. Those that are not installed are left out, and so is metalab, which never counts.
   */
  dependenciesOf({ folder }: InstalledPackage): (readonly [name: string, found: InstalledPackage])[] {
    const { dependencies, optionalDependencies, peerDependencies } = this.#manifest(folder) ?? {};
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    return names.flatMap((name) => {
      const found = name === 'metalab' ? undefined : this.#find(name, folder);
      return found ? [[name, found] as const] : [];
    });
  }

  /** Whether a package contains native code or loads some at run time, so that it can't be inlined into a bundle. */
  isNative({ folder }: InstalledPackage): boolean {
    const manifest = this.#manifest(folder) ?? {};
    if (manifest.gypfile || manifest.binary || manifest.napi) return true;
    const dependencies = Object.keys(manifest.dependencies ?? {});
    if (dependencies.some((name) => NATIVE_LOADERS.has(name))) return true;
    if (Object.keys(manifest.optionalDependencies ?? {}).some((name) => PLATFORM_NAME.test(name)))
      return true;
    return ['', 'build/Release', 'lib'].some((inside) =>
      namesIn(join(folder, inside)).some(
        (name) =>
          name.endsWith('.node') || (inside === '' && (name === 'binding.gyp' || name === 'prebuilds')),
      ),
    );
  }

  /** As Node does: in the nearest `node_modules` upwards that has it, with links resolved. */
  #find(name: string, from: string): InstalledPackage | undefined {
    const parent = dirname(from);
    const place = basename(from) === 'node_modules' ? undefined : join(from, 'node_modules', name);
    const found = place && this.#manifest(place) ? this.#at(realpathSync(place)) : undefined;
    return found ?? (parent === from ? undefined : this.#find(name, parent));
  }

  #at(folder: string): InstalledPackage | undefined {
    const manifest = this.#manifest(folder);
    return (
      manifest && { name: manifest.name ?? basename(folder), version: manifest.version ?? '0.0.0', folder }
    );
  }

  #around(folder: string): InstalledPackage | undefined {
    if (this.#byFolder.has(folder)) return this.#byFolder.get(folder);
    const manifest = this.#manifest(folder);
    const parent = dirname(folder);
    // A package.json without a name only says `"type"`, for a part of the package.
    const found = manifest?.name ? this.#at(folder) : parent === folder ? undefined : this.#around(parent);
    this.#byFolder.set(folder, found);
    return found;
  }

  #manifest(folder: string): PackageJson | undefined {
    if (!this.#manifests.has(folder)) this.#manifests.set(folder, readManifest(join(folder, 'package.json')));
    return this.#manifests.get(folder);
  }
}

const NATIVE_LOADERS = new Set([
  'bindings',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'prebuild-install',
  'pkg-prebuilds',
  'node-addon-api',
  'nan',
]);

/** Such as `@img/sharp-linux-x64`: one package per platform, of which npm installs the one that fits. */
const PLATFORM_NAME = /(?:linux|darwin|win32)[-_](?:x64|arm64|ia32|arm)/;

function readManifest(file: string): PackageJson | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
