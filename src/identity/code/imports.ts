import { isBuiltin } from 'node:module';
import type { ImportKind, PluginContext, ResolvedId } from 'rolldown';
import type { BuildProblems } from './build-problems.js';
import { type InstalledPackage, isInstalled, type PackageIndex } from './packages.js';

/** Where an import leads. `source`: a module of the user's own, or of a linked package. */
export type ImportTarget =
  | { readonly kind: 'metalab' }
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'package'; readonly package: InstalledPackage; readonly resolved: ResolvedId }
  | { readonly kind: 'source'; readonly resolved: ResolvedId }
  | { readonly kind: 'missing' };

/**
 * Finds out where an import leads. What can't be found is a problem when the user's own source imports it by a
 * statement; a `require` or `import()` may be meant to fail, and stays as it is.
 */
export async function resolveImport(
  context: PluginContext,
  specifier: string,
  importer: string,
  how: { readonly kind: ImportKind; readonly packages: PackageIndex; readonly problems: BuildProblems },
): Promise<ImportTarget> {
  if (specifier === 'metalab') return { kind: 'metalab' };
  if (isBuiltin(specifier)) return { kind: 'builtin', name: `node:${specifier.replace(/^node:/, '')}` };
  const resolved = await context.resolve(specifier, importer, { kind: how.kind, skipSelf: true });
  if (!resolved || (resolved.external && !resolved.id.startsWith('/'))) {
    const isOptional =
      how.kind === 'require-call' || (how.kind === 'dynamic-import' && !/^\.{0,2}\//.test(specifier));
    if (!isInstalled(importer) && !isOptional) how.problems.addUnresolved(specifier, importer);
    return { kind: 'missing' };
  }
  const found = isInstalled(resolved.id) ? how.packages.of(resolved.id) : undefined;
  return found ? { kind: 'package', package: found, resolved } : { kind: 'source', resolved };
}

/** What follows the package's name in a specifier: `''`, or `/sub/path`. */
export const subpathOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+(\/.*)?$/.exec(specifier)?.[1] ?? '';

/** The source language by a file's name; undefined if it is no code. */
export function languageOf(id: string): 'js' | 'jsx' | 'ts' | 'tsx' | undefined {
  const match = /\.[cm]?([jt]sx?)$/.exec(id);
  return match?.[1] as 'js' | 'jsx' | 'ts' | 'tsx' | undefined;
}
