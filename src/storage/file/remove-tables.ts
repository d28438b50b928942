import { rm } from 'node:fs/promises';
import { olderRunsFolder, runsFolder, seriesFolder } from './layout.js';

/**
 * Removes an experiment's compacted records and series, which know by its size what of a segment they have: needed where
 * lines have changed in place. They are made again by the next compaction.
 */
export async function removeTables(folder: string): Promise<void> {
  for (const tables of [runsFolder(folder), olderRunsFolder(folder), seriesFolder(folder)])
    await rm(tables, { recursive: true, force: true });
}
