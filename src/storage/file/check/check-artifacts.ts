import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { hashContent } from '../../../identity/hash-content.js';
import { artifactsFolder } from '../layout.js';
import type { Check, Finding } from './finding.js';
import { isTemporary, leftover } from './leftovers.js';
import { moveToQuarantine } from './quarantine.js';

const IS_SHA = /^[0-9a-f]{64}$/;

/** Artifacts whose content is not their name, and what is no artifact. */
export async function* checkArtifacts({ folder, options, checked }: Check): AsyncGenerator<Finding> {
  const entries = await opendir(artifactsFolder(folder)).catch(() => undefined);
  if (!entries) return;
  for await (const { name } of entries) {
    const path = join(artifactsFolder(folder), name);
    if (isTemporary(name)) {
      const finding = await leftover(path, options);
      if (finding) yield finding;
    } else if (IS_SHA.test(name)) {
      checked.artifacts++;
      if (options.quick) continue;
      const { content_hash: sha, size_bytes } = await hashContent(path);
      checked.bytes += size_bytes;
      if (sha !== name) yield damagedArtifact(folder, path, sha);
    }
  }
}

function damagedArtifact(folder: string, path: string, sha: string): Finding {
  return {
    severity: 'error',
    kind: 'artifact-damaged',
    path,
    what: `its content does not match its name (SHA-256 ${sha})`,
    costs: 'the artifact, for every run that saved it',
    remedy:
      'copy it from where it is whole, or do the runs again (submit --fresh); --repair moves it to quarantine/, so that nobody takes it for what it was',
    repair: { run: async () => `moved to ${await moveToQuarantine(folder, path)}` },
  };
}
