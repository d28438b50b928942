import type { Plugin } from 'rolldown';
import { fingerprint } from '../fingerprint.js';
import { isVirtual } from './build.js';
import type { BuildProblems } from './build-problems.js';
import { resolveImport, subpathOf } from './imports.js';
import { type InstalledPackage, PackageIndex } from './packages.js';
import { isNode, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

export interface ReachedPackages {
  /** Several versions of one package are joined by `, `. */
  readonly versions: { readonly [name: string]: string };
  /** Which version of each dependency a package gets: see {@link packageTree}. */
  readonly edges: readonly string[];
}

/** The imports found while a closure is built. */
export class ReachedImports {
  readonly #index = new PackageIndex();
  /** By the import's specifier in the bundle: `name@version/sub/path`. */
  readonly #packages = new Map<string, InstalledPackage>();
  readonly #linked = new Map<string, InstalledPackage>();
  readonly #readers = new Set<string>();

  readsFiles(file: string): boolean {
    return this.#readers.has(file);
  }

  plugin(problems: BuildProblems): Plugin {
    const index = this.#index;
    const reached = this;
    return {
      name: 'metalab:reached-imports',
      async resolveId(specifier, importer, { kind }) {
        if (isVirtual(specifier) || importer === undefined) return null;
        if (isVirtual(importer)) return null;
        const target = await resolveImport(this, specifier, importer, { kind, packages: index, problems });
        switch (target.kind) {
          case 'metalab':
            return { id: 'metalab', external: true };
          case 'builtin':
            if (/^node:fs(?:\/promises)?$/.test(target.name)) reached.#readers.add(importer);
            return { id: target.name, external: true };
          case 'missing':
            return { id: specifier, external: true };
          case 'package': {
            const { name, version } = target.package;
            const id = `${name}@${version}${subpathOf(specifier)}`;
            reached.#packages.set(id, target.package);
            return { id, external: true };
          }
          case 'source':
            reached.#noteLinked(specifier, target.resolved.id);
            return target.resolved;
        }
      },
    };
  }

  /** The packages that the bundle still imports, their dependencies, and the linked packages that its modules belong to. */
  packagesIn(code: ParsedModule, hashes: ReadonlyMap<string, string>): ReachedPackages {
    const imported = [...importedIn(code)].flatMap((id) => this.#packages.get(id) ?? []);
    const { packages, edges } = packageTree(this.#index, imported);
    const versions = new Map<string, Set<string>>();
    for (const { name, version } of packages) {
      versions.set(name, (versions.get(name) ?? new Set<string>()).add(version));
    }
    for (const { name, folder } of this.#linked.values()) {
      const parts = [...hashes]
        .filter(([file]) => this.#index.of(file)?.folder === folder)
        .map(([, hash]) => hash);
      if (parts.length > 0) versions.set(name, new Set([fingerprint(parts.sort())]));
    }
    const entries = [...versions].map(([name, found]): [string, string] => [
      name,
      [...found].sort().join(', '),
    ]);
    return { versions: Object.fromEntries(entries.sort()), edges };
  }

  #noteLinked(specifier: string, file: string): void {
    if (/^[./#]/.test(specifier)) return;
    const found = this.#index.of(file);
    if (found && specifier.startsWith(found.name)) this.#linked.set(found.folder, found);
  }
}

function importedIn({ program }: ParsedModule): Set<string> {
  const specifiers = new Set<string>();
  walk(program as unknown as SyntaxNode, (node) => {
    const isCall = node.type === 'CallExpression';
    const source = isCall ? (node.arguments as SyntaxNode[])[0] : node.source;
    if (isNode(source) && source.type === 'Literal' && typeof source.value === 'string')
      specifiers.add(source.value);
    return true;
  });
  return specifiers;
}

interface PackageTree {
  /** The given packages and all their dependencies, as installed; each folder once. */
  readonly packages: readonly InstalledPackage[];
  /** One line per dependency: which package gets which version of which. Sorted; installation folders are not included. */
  readonly edges: readonly string[];
}

/** The dependencies of packages: execution bundles inline them, so a changed version may change results. */
function packageTree(index: PackageIndex, roots: Iterable<InstalledPackage>): PackageTree {
  const packages = new Map<string, InstalledPackage>();
  const edges = new Set<string>();
  const waiting = [...roots];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (packages.has(next.folder)) continue;
    packages.set(next.folder, next);
    for (const [wanted, found] of index.dependenciesOf(next)) {
      edges.add(`${next.name}@${next.version} ${wanted} ${found.name}@${found.version}`);
      waiting.push(found);
    }
  }
  return { packages: [...packages.values()], edges: [...edges].sort() };
}
