import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRecord } from '../../definition/record.js';
import { faultCode, storeFault } from './faults.js';
import { scanFinalHeads } from './formats/records.js';
import { listSegments, readObjects } from './formats/segments.js';
import { type SegmentKind, segmentKindOf } from './layout.js';

/** What files of an experiment are for. `tables`: compacted runs and series. `code`: declarations and bundles. */
export type StoredKind =
  | SegmentKind
  | 'artifacts'
  | 'tables'
  | 'code'
  | 'submissions'
  | 'quarantine'
  | 'other';

export interface StoredSize {
  readonly files: number;
  /** What they take on the disk, without holes of packs. */
  readonly bytes: number;
}

/** The sizes of all kinds of which there are files. */
export type StoredSizes = { readonly [kind in StoredKind]?: StoredSize };

const KINDS: { readonly [folder: string]: StoredKind } = {
  artifacts: 'artifacts',
  packs: 'artifacts',
  runs: 'tables',
  'older-runs': 'tables',
  series: 'tables',
  derived: 'derived',
  bundles: 'code',
  declarations: 'code',
  submissions: 'submissions',
  quarantine: 'quarantine',
};

/** Number and size of an experiment's files. */
export async function measureFiles(folder: string): Promise<StoredSizes> {
  const sizes: MutableSizes = {};
  const walk = async (path: string, kindOf: (name: string) => StoredKind): Promise<void> => {
    for await (const entry of await opendir(path)) {
      const place = join(path, entry.name);
      if (entry.isDirectory()) {
        const kind = KINDS[entry.name];
        const isTop = path === folder;
        const isSegments = isTop && entry.name === 'segments';
        await walk(place, isSegments ? kindOfSegment : isTop && kind ? () => kind : kindOf);
        continue;
      }
      const found = await stat(place).catch(unlessGone);
      if (!found) continue;
      const bytes = Math.min(found.size, found.blocks * BLOCK_BYTES);
      add(sizes, kindOf(entry.name), { files: 1, bytes });
    }
  };
  try {
    await walk(folder, () => 'other');
  } catch (error) {
    throw storeFault(error, folder);
  }
  return sizes;
}

/** Of `stat`, whatever the filesystem's are. */
const BLOCK_BYTES = 512;
const kindOfSegment = (name: string): StoredKind => segmentKindOf(name) ?? 'other';

function unlessGone(error: unknown): undefined {
  if (faultCode(error) !== 'ENOENT') throw error;
}

/** Several measurements together. */
export function sumSizes(measured: readonly StoredSizes[]): StoredSizes {
  const sum: MutableSizes = {};
  for (const sizes of measured)
    for (const [kind, size] of Object.entries(sizes)) add(sum, kind as StoredKind, size);
  return sum;
}

export const totalSize = (sizes: StoredSizes): StoredSize =>
  Object.values(sizes).reduce(
    (sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }),
    { files: 0, bytes: 0 },
  );

type MutableSizes = { [kind in StoredKind]?: StoredSize };

function add(sizes: MutableSizes, kind: StoredKind, { files, bytes }: StoredSize): void {
  const before = sizes[kind] ?? { files: 0, bytes: 0 };
  sizes[kind] = { files: before.files + files, bytes: before.bytes + bytes };
}

/** Runs that have a final record, and the artifacts that these records name. Memory: 300 bytes a run. */
export async function countRecorded(
  folder: string,
): Promise<{ readonly runs: number; readonly artifacts: number }> {
  const finals = await scanFinalHeads(folder);
  let artifacts = 0;
  for (const { name, path } of await listSegments(folder, 'records'))
    for await (const { object, offset } of readObjects<RunRecord>(path, { matching: '"artifacts":[{' })) {
      const final = finals.get(object.run_id);
      if (final?.segment === name && final.offset === offset) artifacts += object.artifacts.length;
    }
  return { runs: finals.size, artifacts };
}
