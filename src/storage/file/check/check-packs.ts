import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteRange } from '../byte-range.js';
import { PACK_BYTES, parsePack } from '../formats/pack.js';
import { listPacks } from '../formats/packs.js';
import type { Check, Finding } from './finding.js';
import { healFile, makeHoles } from './heal-file.js';

const MAX_NAMED = 5;

/** Packs with bytes that are no whole artifact. What records name and no pack has, is found with the records. */
export async function* checkPacks({ folder, options, checked }: Check): AsyncGenerator<Finding> {
  if (options.quick) return;
  for (const pack of await listPacks(folder)) {
    const path = join(folder, pack);
    const { size } = await stat(path);
    checked.bytes += size;
    // A pack is read as a whole.
    const isPack = size < 2 * PACK_BYTES;
    const parts = isPack
      ? parsePack(await readFile(path))
      : [{ kind: 'damaged' as const, from: 0, to: size }];
    const of = (kind: string) => parts.filter((part) => part.kind === kind);
    checked.artifacts += of('artifact').length;
    if (of('damaged').length > 0) yield damagedPack(folder, path, of('damaged'));
    for (const torn of of('torn')) yield tornPack(path, torn);
  }
}

function damagedPack(folder: string, path: string, bad: readonly ByteRange[]): Finding {
  const shown = bad.slice(0, MAX_NAMED).map(({ from, to }) => `${to - from} bytes at ${from}`);
  return {
    severity: 'error',
    kind: 'pack-damaged',
    path,
    offset: bad[0]!.from,
    what: `holds what is no artifact, or has another content than its SHA-256: ${shown.join(', ')}${bad.length > MAX_NAMED ? ', …' : ''}`,
    costs: 'the artifacts that were there, for every run that saved them',
    remedy:
      'copy the pack from where it is whole, or do the runs again (submit --fresh); --repair takes the damaged bytes out, and keeps the file as it was in quarantine/',
    repair: {
      run: async () =>
        `damaged bytes taken out; the file as it was is ${await healFile(folder, path, makeHoles(bad))}`,
    },
  };
}

const tornPack = (path: string, { from, to }: ByteRange): Finding => ({
  severity: 'note',
  kind: 'pack-torn-tail',
  path,
  offset: from,
  what: `${to - from} bytes at the end are no whole artifact: its writer was killed, or is writing`,
  costs: 'the artifact that was being written',
  remedy: 'nothing',
});
