import type { InstalledPackage, PackageIndex } from './packages.js';

export interface PackageTree {
  /** The packages begun at and all that they depend on, as installed; each folder once. */
  readonly packages: readonly InstalledPackage[];
  /** Who gets which version of what, a line each, sorted. Where things are installed does not matter. */
  readonly edges: readonly string[];
}

/** What packages bring along: execution bundles inline it, so a version of it that changes may change results. */
export function packageTree(index: PackageIndex, roots: Iterable<InstalledPackage>): PackageTree {
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
