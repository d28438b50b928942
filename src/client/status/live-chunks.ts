import { hostname } from 'node:os';
import { SharedReadings } from '../../definition/shared-readings.js';
import { readLiveFiles } from '../../storage/file/formats/live-files.js';
import { liveFolder } from '../../storage/file/layout.js';
import { isProcessGone } from '../../storage/file/owner.js';
import type { LiveChunk } from '../../storage/manifest.js';

/** A chunk as reported by the worker that has it, or had it when it died. */
export interface ToldChunk extends LiveChunk {
  readonly worker: string;
}

/** Live files are written every 250 ms. */
const MAX_AGE_MS = 100;
const readings = new SharedReadings<readonly ToldChunk[]>();

/** Chunks in progress according to the workers' live files; some may have just ended. At most 100 ms old. */
export function readLiveChunks(folder: string, submission: string): Promise<readonly ToldChunk[]> {
  const place = liveFolder(folder, submission);
  return readings.get(place, MAX_AGE_MS, async () =>
    (await readLiveFiles(place)).flatMap(({ worker, chunks }) =>
      chunks.map((chunk) => ({ ...chunk, worker })),
    ),
  );
}

/** A chunk's runs that have been running for over a second. */
export const runsOf = ({ running, batch }: LiveChunk): readonly NonNullable<LiveChunk['running']>[] =>
  batch ? batch.runs : running ? [running] : [];

/** Whether a worker (`host-pid`) is known to have died; unknown for other machines. */
export function isDead(worker: string): boolean {
  const pid = worker.startsWith(`${hostname()}-`) ? Number(worker.slice(hostname().length + 1)) : Number.NaN;
  return Number.isInteger(pid) && isProcessGone(pid);
}
