import { join } from 'node:path';
import { StoreError } from '../../../definition/errors.js';
import type { ByteRange } from '../byte-range.js';
import { openRecords } from '../formats/long-record.js';
import { packRange, parsePackUri } from '../formats/pack.js';
import { scanFinalHeads } from '../formats/records.js';
import { segmentsFolder } from '../layout.js';

/** What the final records of an experiment's runs refer to. */
export interface NeededArtifacts {
  /** Uris of artifacts that are files of their own. */
  readonly files: ReadonlySet<string>;
  /** By the beginning of each artifact that is needed, its end; for each pack. */
  readonly packs: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

/** Memory: 300 bytes a run and 100 an artifact. */
export async function findNeededArtifacts(folder: string): Promise<NeededArtifacts> {
  const files = new Set<string>();
  const packs = new Map<string, Map<number, number>>();
  const finals = await scanFinalHeads(folder);
  const lines = openRecords();
  try {
    for (const { segment, offset, run_id } of finals.values()) {
      const record = await lines.read(join(segmentsFolder(folder), segment), offset);
      if (!record) throw unreadable(join(segmentsFolder(folder), segment), run_id);
      for (const { uri, content_hash } of record.artifacts) {
        const place = parsePackUri(uri);
        if (place) addRange(packs, place.pack, packRange(content_hash, place));
        else files.add(uri);
      }
    }
  } finally {
    await lines.close();
  }
  return { files, packs };
}

function addRange(packs: Map<string, Map<number, number>>, pack: string, { from, to }: ByteRange): void {
  const ranges = packs.get(pack);
  if (ranges) ranges.set(from, to);
  else packs.set(pack, new Map([[from, to]]));
}

const unreadable = (path: string, runId: string): StoreError =>
  new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: `the record of run ${runId} is damaged: which artifacts it needs can't be told`,
    next: 'metalab store check --repair',
  });
