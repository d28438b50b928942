import { isDeepStrictEqual } from 'node:util';
import { sizeOf } from '../file-size.js';
import { seriesFile } from '../layout.js';
import { openSealed, type SealedFile } from './sealed-file.js';
import { listSegments } from './segments.js';

/** Which records say whose points count, and of which declaration the runs are; null: all. */
export interface SeriesOrigin {
  readonly declaration: string | null;
  /** Bytes of each segment of records, by its name. */
  readonly records: { readonly [segment: string]: number };
}

/** What the file of compacted series says of itself: all that its rows follow from. */
export interface SeriesCoverage extends SeriesOrigin {
  readonly version: typeof SERIES_VERSION;
  /** Bytes of each segment of series, by its name. */
  readonly series: { readonly [segment: string]: number };
  /** Whether there are runs that are not of the declaration, whose points are in the segments alone. */
  readonly older: boolean;
}

export const SERIES_VERSION = 1;

/** How many bytes each segment of series has. */
export async function seriesSegments(folder: string): Promise<{ readonly [segment: string]: number }> {
  const sizes: { [segment: string]: number } = {};
  for (const { name, path } of await listSegments(folder, 'series')) sizes[name] = (await sizeOf(path)) ?? 0;
  return sizes;
}

/**
 * Opens an experiment's compacted series.
 *
 * @returns undefined where there are none, or they are not exactly what records and segments say now
 */
export async function openSeriesFile(
  folder: string,
  { declaration, records }: SeriesOrigin,
): Promise<SealedFile<SeriesCoverage> | undefined> {
  const file = await openSealed<SeriesCoverage>(seriesFile(folder), { version: SERIES_VERSION });
  if (!file) return undefined;
  const { coverage } = file;
  const isCurrent =
    coverage.declaration === declaration &&
    isDeepStrictEqual(coverage.records, records) &&
    isDeepStrictEqual(coverage.series, await seriesSegments(folder));
  if (isCurrent) return file;
  await file.close();
  return undefined;
}
