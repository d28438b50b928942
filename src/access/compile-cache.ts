import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { cacheFolder } from './own-folders.js';
import { makePrivateFolder } from './private-folder.js';
import { replaceFile } from './replace-file.js';

/** Since Node 22.1. */
const { enableCompileCache } = module as { readonly enableCompileCache?: (folder: string) => unknown };

/** Keeps what Node compiles, where it can: a command then takes 0.55 instead of 0.72 s. */
export function keepCompiled(): void {
  if (!enableCompileCache) return;
  try {
    enableCompileCache(compiledFolder());
  } catch {
    // Commands only start more slowly without it.
  }
}

/**
 * Loads a file that the build made of CommonJS packages. On versions of Node without a compile cache, what V8 compiled is kept
 * here: importing Temporal's client then takes half the processor time.
 *
 * @param content the hash of the file: V8 itself compares only its length
 * @returns what it exports
 */
export function loadBundle(url: URL, content: string): unknown {
  const path = fileURLToPath(url);
  const require = createRequire(url);
  if (enableCompileCache) return require(path);
  const kept = readKept(path, content);
  const script = new Script(module.wrap(readFileSync(path, 'utf8')), {
    filename: path,
    ...(kept && { cachedData: kept }),
  });
  const loaded = { exports: {} };
  script.runInThisContext()(loaded.exports, require, loaded, path, dirname(path));
  if (!kept || script.cachedDataRejected) keep(path, content, script.createCachedData());
  return loaded.exports;
}

/** V8 rejects what another version of Node compiled, but does not detect damage: the hash does. */
function readKept(path: string, content: string): Buffer | undefined {
  try {
    const file = readFileSync(keptFile(path));
    const compiled = file.subarray(HASH_BYTES);
    return hashOf(content, compiled).equals(file.subarray(0, HASH_BYTES)) ? compiled : undefined;
  } catch {
    return undefined;
  }
}

function keep(path: string, content: string, compiled: Buffer): void {
  try {
    replaceFile(keptFile(path), Buffer.concat([hashOf(content, compiled), compiled]));
  } catch {
    // The next command compiles it again.
  }
}

const HASH_BYTES = 32;
const hashOf = (content: string, compiled: Buffer) =>
  createHash('sha256').update(content).update(compiled).digest();

const keptFile = (path: string) => join(compiledFolder(), basename(path));

/** Whoever can write to it chooses what is executed. @throws InfrastructureError if others can */
function compiledFolder(): string {
  const path = join(cacheFolder(), 'compiled');
  makePrivateFolder({ path, variable: 'METALAB_CACHE' });
  return path;
}
