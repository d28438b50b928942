import { basename } from 'node:path';
import { decodeNumber } from '../../definition/non-finite.js';
import type { SeriesPoint } from '../../definition/record.js';
import { listSegments, readObjects } from '../../storage/file/formats/segments.js';
import { openSeriesFile } from '../../storage/file/formats/series-file.js';
import { isPoint } from '../../storage/file/formats/sidecars.js';
import { type Database, globLiteral, quoteText } from './database.js';
import type { LoadedRuns, LoadOptions } from './load-runs.js';

const BATCH_POINTS = 100_000;

/** Points of the attempts that won. */
export interface LoadedPoints {
  /** A subquery, with run_id, name, step and value. */
  readonly sql: string;
  /** The Parquet file that has exactly these rows, where they are compacted. */
  readonly file: string | undefined;
  close(): Promise<void>;
}

/** The points of some runs: the compacted ones where they are up to date, else those of the segments. */
export async function openSeriesPoints(
  database: Database,
  folder: string,
  runs: LoadedRuns,
  { current, all, loadSeries }: LoadOptions,
): Promise<LoadedPoints> {
  await loadSeries?.();
  const declaration = current?.declaration ?? null;
  const compacted = await openSeriesFile(folder, { declaration, records: runs.segments });
  if (compacted && !(all && compacted.coverage.older)) {
    const { path, close } = compacted;
    return { sql: `read_parquet(${quoteText(path)})`, file: path, close };
  }
  await compacted?.close();
  const sql = await loadSeriesPoints(database, folder, runs);
  return { sql, file: undefined, close: async () => {} };
}

/**
 * Reads all series of the segments once, whichever runs they are of.
 *
 * @returns a subquery with the points of the attempts that won: run_id, name, step, value; of the run index, is_current
 */
export async function loadSeriesPoints(
  database: Database,
  folder: string,
  runs: LoadedRuns,
): Promise<string> {
  const files: string[] = [];
  let batch = new PointBatch();
  const flush = async () => {
    await batch.create(database);
    batch = new PointBatch();
    const file = database.scratch.file(`points-${files.length}.parquet`);
    await database.run(`COPY (${PointBatch.sql}) TO ${quoteText(file)} (FORMAT parquet)`);
    files.push(quoteText(globLiteral(file)));
  };
  for (const { path } of await listSegments(folder, 'series')) {
    const segment = basename(path);
    for await (const { object } of readObjects<SeriesPoint>(path)) {
      if (isPoint(object)) batch.add(object, segment);
      if (batch.size >= BATCH_POINTS) await flush();
    }
  }
  if (files.length === 0) await batch.create(database);
  else if (batch.size > 0) await flush();
  const points = files.length === 0 ? `(${PointBatch.sql})` : `read_parquet([${files.join(', ')}])`;
  // The same attempt may have been on a slot that was given up too early: what counts is the recorder's.
  const slot = `CASE WHEN runs.status = 'success' THEN json_extract_string(runs.provenance, '$.slot') END`;
  return `(SELECT points.run_id, name, step, value, "index", is_current FROM ${points} AS points
    JOIN ${runs.rows()} AS runs ON points.run_id = runs.run_id AND points.generation = runs.generation
      AND points.attempt = runs.attempt AND (${slot} IS NULL OR segment_file = 'series-' || ${slot} || '.ndjson'))`;
}

/** Points in tables of DuckDB, to which texts are given once a curve: each takes 0.3 µs and more. */
class PointBatch {
  static readonly sql =
    'SELECT run_id, generation, attempt, segment_file, name, step, value FROM points JOIN curves USING (curve)';
  readonly #numbers = new Map<string, number>();
  readonly #curves: { readonly point: SeriesPoint; readonly segment: string }[] = [];
  readonly #curve: number[] = [];
  readonly #step: number[] = [];
  readonly #value: number[] = [];

  get size(): number {
    return this.#step.length;
  }

  add(point: SeriesPoint, segment: string): void {
    const { run_id, generation, attempt, name } = point;
    const key = `${run_id} ${generation} ${attempt} ${segment} ${name}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#curves.push({ point, segment }) - 1;
      this.#numbers.set(key, number);
    }
    this.#curve.push(number);
    this.#step.push(point.step);
    this.#value.push(decodeNumber(point.value));
  }

  async create(database: Database): Promise<void> {
    const ofCurve = (name: string, of: (each: SeriesPoint) => unknown, type = 'VARCHAR') => ({
      name,
      type,
      values: this.#curves.map(({ point }) => of(point)),
    });
    await database.create('curves', [
      { name: 'curve', type: 'DOUBLE', values: this.#curves.map((_, number) => number) },
      ofCurve('run_id', ({ run_id }) => run_id),
      ofCurve('generation', ({ generation }) => generation, 'BIGINT'),
      ofCurve('attempt', ({ attempt }) => attempt, 'BIGINT'),
      { name: 'segment_file', type: 'VARCHAR', values: this.#curves.map(({ segment }) => segment) },
      ofCurve('name', ({ name }) => name),
    ]);
    await database.create('points', [
      { name: 'curve', type: 'DOUBLE', values: this.#curve },
      { name: 'step', type: 'DOUBLE', values: this.#step },
      { name: 'value', type: 'DOUBLE', values: this.#value },
    ]);
  }
}
