import { isBuiltin } from 'node:module';
import type { ImportKind, PluginContext, ResolvedId } from 'rolldown';
import type { BuildProblems } from './build-problems.js';
import { type InstalledPackage, isInstalled, type PackageIndex } from './packages.js';

/** What an import resolves to. `source`: one of the user's own modules, or a module of a linked package. */
export type ImportTarget =
  | { readonly kind: 'metalab' }
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'package'; readonly package: InstalledPackage; readonly resolved: ResolvedId }
  | { readonly kind: 'source'; readonly resolved: ResolvedId }
  | { readonly kind: 'missing' };

/**
 * Resolves an import. If it can't be found, that is a problem if it is an import statement in the user's own source; a
 * `require` or `import()` may be meant to fail, and is not changed.
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

/** The part of a specifier after the package's name: `''` or `/sub/path`. */
export const subpathOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+(\/.*)?$/.exec(specifier)?.[1] ?? '';

/** The source language, by a file's name; undefined if it is not code. */
export function languageOf(id: string): 'js' | 'jsx' | 'ts' | 'tsx' | undefined {
  const match = /\.[cm]?([jt]sx?)$/.exec(id);
  return match?.[1] as 'js' | 'jsx' | 'ts' | 'tsx' | undefined;
}
