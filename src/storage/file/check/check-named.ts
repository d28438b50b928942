import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import { sha256 } from '../../../identity/fingerprint.js';
import { bundleFile, declarationFile } from '../layout.js';
import { listNames } from '../list-names.js';
import type { Check, Finding } from './finding.js';
import { isTemporary } from './leftovers.js';
import { moveToQuarantine } from './quarantine.js';

/** Declarations and bundles: is each what its name, its SHA-256, says? */
export async function* checkNamedFiles({ folder, checked }: Check): AsyncGenerator<Finding> {
  const declarations = await listNames(dirname(declarationFile(folder, '_')));
  const bundles = await listNames(dirname(dirname(bundleFile(folder, '_'))));
  const files = [
    ...declarations.map((name) => ({ sha: basename(name, '.json'), kind: 'declaration' })),
    ...bundles.map((sha) => ({ sha, kind: 'bundle' })),
  ].map((file) => ({
    ...file,
    path: (file.kind === 'bundle' ? bundleFile : declarationFile)(folder, file.sha),
  }));
  for (const { sha, kind, path } of files) {
    if (isTemporary(sha)) continue;
    const bytes = await readFile(path).catch(() => undefined);
    checked.bytes += bytes?.length ?? 0;
    if (bytes && sha256(bytes) === sha) continue;
    yield {
      severity: bytes ? 'error' : 'warning',
      kind: `${kind}-${bytes ? 'damaged' : 'missing'}`,
      path,
      what: bytes
        ? `its content does not match its name (SHA-256 ${sha256(bytes)})`
        : 'the folder has no operation.mjs',
      costs: 'submissions in progress that need it can not go on; what is recorded counts',
      remedy: `submit again: that rewrites it${bytes ? '; --repair moves it to quarantine/' : ''}`,
      ...(bytes ? { repair: { run: async () => `moved to ${await moveToQuarantine(folder, path)}` } } : {}),
    };
  }
}

/** The declaration of that name; undefined where it is missing or damaged. */
export async function readDeclarationOf(
  folder: string,
  sha: string,
): Promise<ExperimentDeclaration | undefined> {
  const text = await readFile(join(declarationFile(folder, sha)), 'utf8').catch(() => undefined);
  return text !== undefined && sha256(text) === sha ? (JSON.parse(text) as ExperimentDeclaration) : undefined;
}
