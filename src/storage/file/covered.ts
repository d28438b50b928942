import { join } from 'node:path';
import { sizeOf } from './file-size.js';
import { segmentsFolder } from './layout.js';

/** A segment of which the compacted records cover more than there is. */
export interface LostSegment {
  readonly path: string;
  readonly coveredBytes: number;
  /** What is left of it; undefined where it is gone. */
  readonly bytes: number | undefined;
}

/**
 * The covered segments that have disappeared since, or are shorter than what is covered. Planning goes by the segments and
 * counts their runs as missing: compacted records with them are no cache of what is there.
 *
 * @param covered bytes by segment name
 */
export async function findLost(
  folder: string,
  covered: { readonly [segment: string]: number },
): Promise<LostSegment[]> {
  const lost: LostSegment[] = [];
  for (const [name, coveredBytes] of Object.entries(covered)) {
    const path = join(segmentsFolder(folder), name);
    const bytes = await sizeOf(path);
    if (bytes === undefined || bytes < coveredBytes) lost.push({ path, coveredBytes, bytes });
  }
  return lost;
}
