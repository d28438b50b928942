import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { liveFolder } from '../storage/file/layout.js';
import type { LiveChunk, LiveProgress } from '../storage/manifest.js';

/** Chunks in progress, as the workers' live files tell; some of them ended a moment ago. */
export async function readLiveChunks(folder: string, submission: string): Promise<LiveChunk[]> {
  const place = liveFolder(folder, submission);
  const names = (await readdir(place).catch(() => [])).filter((file) => file.endsWith('.json'));
  return (await Promise.all(names.map((name) => readChunks(join(place, name))))).flat();
}

/** A chunk's runs that have been going for over a second. */
export const runsOf = ({ running, batch }: LiveChunk): readonly NonNullable<LiveChunk['running']>[] =>
  batch ? batch.runs : running ? [running] : [];

async function readChunks(path: string): Promise<readonly LiveChunk[]> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as LiveProgress).chunks ?? [];
  } catch {
    return [];
  }
}
