import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { liveFolder } from '../../storage/file/layout.js';
import type { LiveChunk, LiveProgress } from '../../storage/manifest.js';

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

async function readFolder(place: string): Promise<readonly ToldChunk[]> {
  const names = (await readdir(place).catch(() => [])).filter((file) => file.endsWith('.json'));
  return (await Promise.all(names.map((name) => readChunks(join(place, name))))).flat();
}

/** A chunk's runs that have been running for over a second. */
export const runsOf = ({ running, batch }: LiveChunk): readonly NonNullable<LiveChunk['running']>[] =>
  batch ? batch.runs : running ? [running] : [];

/** Whether a worker (`host-pid`) is known to have died; unknown for other machines. */
export function isDead(worker: string): boolean {
  const pid = worker.startsWith(`${hostname()}-`) ? Number(worker.slice(hostname().length + 1)) : Number.NaN;
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function readChunks(path: string): Promise<readonly ToldChunk[]> {
  try {
    const { worker, chunks = [] } = JSON.parse(await readFile(path, 'utf8')) as LiveProgress;
    return chunks.map((chunk) => ({ ...chunk, worker }));
  } catch {
    return [];
  }
}
