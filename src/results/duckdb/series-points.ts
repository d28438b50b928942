import { basename } from 'node:path';
import { decodeNumber } from '../../definition/non-finite.js';
import type { SeriesPoint } from '../../definition/record.js';
import { listSegments, readObjects } from '../../storage/file/formats/segments.js';
import { type Database, globLiteral, quoteText } from './database.js';
import type { LoadedRuns } from './load-runs.js';

const BATCH_POINTS = 100_000;

/**
 * Reads all series of the segments once, whichever runs they are of.
 *
 * @returns a subquery with the points of the attempts that won: run_id, name, step, value
 */
export async function loadSeriesPoints(
  database: Database,
  folder: string,
  runs: LoadedRuns,
): Promise<string> {
  const files: string[] = [];
  let batch: { point: SeriesPoint; segment: string }[] = [];
  const flush = async () => {
    const column = (name: string, type: string, value: (each: (typeof batch)[number]) => unknown) => ({
      name,
      type,
      values: batch.map(value),
    });
    await database.create('points', [
      column('run_id', 'VARCHAR', ({ point }) => point.run_id),
      column('generation', 'BIGINT', ({ point }) => point.generation),
      column('attempt', 'BIGINT', ({ point }) => point.attempt),
      column('segment_file', 'VARCHAR', ({ segment }) => segment),
      column('name', 'VARCHAR', ({ point }) => point.name),
      column('step', 'DOUBLE', ({ point }) => point.step),
      column('value', 'DOUBLE', ({ point }) => decodeNumber(point.value)),
    ]);
    const file = database.scratch.file(`points-${files.length}.parquet`);
    await database.run(`COPY points TO ${quoteText(file)} (FORMAT parquet)`);
    files.push(quoteText(globLiteral(file)));
    batch = [];
  };
  for (const { path } of await listSegments(folder, 'series')) {
    for await (const { object } of readObjects<SeriesPoint>(path)) {
      batch.push({ point: object, segment: basename(path) });
      if (batch.length >= BATCH_POINTS) await flush();
    }
  }
  if (batch.length > 0 || files.length === 0) await flush();
  await database.run('DROP TABLE points');
  // The same attempt may have been on a slot that was given up too early: what counts is the recorder's.
  const slot = `CASE WHEN runs.status = 'success' THEN json_extract_string(runs.provenance, '$.slot') END`;
  return `(SELECT points.run_id, name, step, value FROM read_parquet([${files.join(', ')}]) AS points
    JOIN ${runs.rows()} AS runs ON points.run_id = runs.run_id AND points.generation = runs.generation
      AND points.attempt = runs.attempt AND (${slot} IS NULL OR segment_file = 'series-' || ${slot} || '.ndjson'))`;
}
