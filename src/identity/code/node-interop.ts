import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { PartialResolvedId, ResolvedId } from 'rolldown';

/** Any package.json that says `"type": "module"`: this one is there wherever metalab is. */
const MODULE_PACKAGE = createRequire(import.meta.url).resolve('rolldown/package.json');

/**
 * Has the user's ES modules import CommonJS packages as Node does: the default export is `module.exports`. Bundlers
 * otherwise do so only where a package.json says `"type": "module"`, and the operation would see another default than the
 * experiment file, which Node evaluates.
 */
export function withNodeInterop(resolved: ResolvedId): PartialResolvedId {
  return isEsModule(resolved.id) ? { ...resolved, packageJsonPath: MODULE_PACKAGE } : resolved;
}

function isEsModule(file: string): boolean {
  if (/\.(?:[mc]?tsx?|jsx|mjs)$/.test(file)) return !/\.cts$/.test(file);
  return file.endsWith('.js') && /^\s*(?:import|export)\b/m.test(readFileSync(file, 'utf8'));
}
