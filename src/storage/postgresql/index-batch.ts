import type { Client } from 'pg';
import { CopyRows, type CopyValue, copyIn } from './copy-rows.js';
import { type LineTable, TARGETS } from './index-rows.js';
import { storableText } from './storable.js';
import type { TypedValue } from './value-types.js';

/** How far a file has been read. */
interface Progress {
  bytes: number;
  damaged: number;
}

/** Which code of each derivation counts. */
export type Derivations = ReadonlyMap<string, string>;

/** Lines that go to the index in one transaction, together with how far they were read: so none is lost or doubled. */
export class IndexBatch {
  readonly #experiment: string;
  readonly #rows = {
    runs: new CopyRows(TARGETS.runs),
    derived_lines: new CopyRows(TARGETS.derived_lines),
    points: new CopyRows(TARGETS.points),
    data_lines: new CopyRows(TARGETS.data_lines),
  };
  /** Whose derived metrics may have changed. */
  readonly #changed: string[] = [];
  readonly #progress = new Map<number, Progress>();
  #records = 0;

  constructor(experiment: string) {
    this.#experiment = experiment;
  }

  /** Of all its rows, in bytes. */
  get length(): number {
    const { runs, derived_lines, points, data_lines } = this.#rows;
    return runs.length + derived_lines.length + points.length + data_lines.length;
  }

  /** Records, superseded ones too. */
  get records(): number {
    return this.#records;
  }

  /** @param line undefined: it is not kept */
  add(table: LineTable, runId: string, row: readonly CopyValue[], line: Buffer | undefined): void {
    this.#rows[table].add(row, line);
    if (table === 'runs') this.#records++;
    if (table === 'runs' || table === 'derived_lines') this.#changed.push(storableText(runId));
  }

  noteProgress(segmentId: number, bytes: number, damaged: number): void {
    const known = this.#progress.get(segmentId);
    this.#progress.set(segmentId, { bytes, damaged: (known?.damaged ?? 0) + damaged });
  }

  /** Writes it in one transaction. */
  async write(client: Client, types: readonly TypedValue[], derivations: Derivations): Promise<void> {
    await client.query('BEGIN');
    try {
      await this.#writeRuns(client);
      for (const table of ['derived_lines', 'points', 'data_lines'] as const)
        if (this.#rows[table].length > 0) await copyIn(client, this.#rows[table]);
      if (derivations.size > 0 && this.#changed.length > 0)
        await updateDerived(client, this.#experiment, derivations, this.#changed);
      await writeTypes(client, this.#experiment, types);
      await this.#writeProgress(client);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  /**
   * Most runs are new: only where one is not, or is there twice, the rows take the way through a staging table, which
   * costs as much again. Asking before whether one is there would take a tenth of the time.
   */
  async #writeRuns(client: Client): Promise<void> {
    const { runs } = this.#rows;
    if (runs.length === 0) return;
    await client.query('SAVEPOINT new_runs');
    try {
      await copyIn(client, runs);
      await client.query('RELEASE new_runs');
      return;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== UNIQUE_VIOLATION) throw error;
      await client.query('ROLLBACK TO new_runs');
    }
    await client.query('CREATE TEMP TABLE staged (LIKE runs) ON COMMIT DROP');
    await copyIn(client, runs, 'staged');
    await client.query(`INSERT INTO runs
      SELECT DISTINCT ON (experiment, run_id) * FROM staged ORDER BY experiment, run_id, ${orderOf('staged')}
      ON CONFLICT (experiment, run_id) DO UPDATE SET ${UPDATED} WHERE ${orderOf('EXCLUDED')} < ${orderOf('runs')}`);
  }

  async #writeProgress(client: Client): Promise<void> {
    const progress = [...this.#progress];
    await client.query(
      `UPDATE segments SET bytes = read.bytes, damaged = segments.damaged + read.damaged
       FROM unnest($1::int[], $2::bigint[], $3::int[]) AS read (id, bytes, damaged) WHERE segments.id = read.id`,
      [
        progress.map(([id]) => id),
        progress.map(([, { bytes }]) => bytes),
        progress.map(([, { damaged }]) => damaged),
      ],
    );
  }
}

const UNIQUE_VIOLATION = '23505';

const UPDATED = Object.keys(TARGETS.runs.columns)
  .filter((name) => name !== 'experiment' && name !== 'run_id')
  .map((name) => `${name} = EXCLUDED.${name}`)
  .join(', ');

/** The rule of the final record, as in `final-record.ts`: the row that sorts first counts. */
const orderOf = (row: string) =>
  `ROW(-${row}.generation, CASE ${row}.status WHEN 'success' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END,
    coalesce(${row}.finished_at, '-infinity'), ${row}.segment, ${row}.segment_offset)`;

/** @param runs undefined: all */
export async function updateDerived(
  client: Client,
  experiment: string,
  derivations: Derivations,
  runs?: readonly string[],
): Promise<void> {
  await client.query(
    `UPDATE runs SET derived = found.derived FROM (
       SELECT own.run_id, jsonb_object_agg(metric.key, metric.value ORDER BY lines.slot IS NULL) AS derived
       FROM runs AS own
       JOIN derived_lines AS lines USING (experiment, run_id, generation, attempt)
       JOIN unnest($2::text[], $3::text[]) AS counts (derivation, code)
         ON lines.derivation = counts.derivation AND lines.code = counts.code
       CROSS JOIN LATERAL jsonb_each(lines.metrics) AS metric
       WHERE own.experiment = $1 AND (lines.slot IS NULL OR lines.slot = own.slot)
         AND ($4::text[] IS NULL OR own.run_id = ANY($4))
       GROUP BY own.run_id
     ) AS found WHERE runs.experiment = $1 AND runs.run_id = found.run_id AND runs.derived <> found.derived`,
    [experiment, [...derivations.keys()], [...derivations.values()], runs ?? null],
  );
}

async function writeTypes(client: Client, experiment: string, types: readonly TypedValue[]): Promise<void> {
  if (types.length === 0) return;
  await client.query(
    `INSERT INTO value_types SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING`,
    [
      experiment,
      types.map(({ source }) => source),
      types.map(({ key }) => key),
      types.map(({ type }) => type),
    ],
  );
}
