import { hostname } from 'node:os';
import { readLiveFiles } from '../../storage/file/formats/live-files.js';
import { liveFolder } from '../../storage/file/layout.js';
import { isProcessGone } from '../../storage/file/owner.js';
import type { LiveChunk } from '../../storage/manifest.js';

/** A chunk as reported by the worker that has it, or had it when it died. */
export interface ToldChunk extends LiveChunk {
  readonly worker: string;
}

/** Live files are written every 250 ms. All watchers of a submission share a reading for this long. */
const SHARED_MS = 100;
const shared = new Map<string, Promise<readonly ToldChunk[]>>();

/** Chunks in progress according to the workers' live files; some may have just ended. At most 100 ms old. */
export function readLiveChunks(folder: string, submission: string): Promise<readonly ToldChunk[]> {
  const place = liveFolder(folder, submission);
  const known = shared.get(place);
  if (known) return known;
  const reading = readFolder(place);
  shared.set(place, reading);
  setTimeout(() => shared.delete(place), SHARED_MS).unref();
  return reading;
}

const readFolder = async (place: string): Promise<readonly ToldChunk[]> =>
  (await readLiveFiles(place)).flatMap(({ worker, chunks }) => chunks.map((chunk) => ({ ...chunk, worker })));

/** A chunk's runs that have been running for over a second. */
export const runsOf = ({ running, batch }: LiveChunk): readonly NonNullable<LiveChunk['running']>[] =>
  batch ? batch.runs : running ? [running] : [];

/** Whether a worker (`host-pid`) is known to have died; unknown for other machines. */
export function isDead(worker: string): boolean {
  const pid = worker.startsWith(`${hostname()}-`) ? Number(worker.slice(hostname().length + 1)) : Number.NaN;
  return Number.isInteger(pid) && isProcessGone(pid);
}
