import type { Client } from 'pg';
import { type Contender, compareContenders } from '../final-record.js';
import { copyIn } from './copy-text.js';
import { type LineTable, TARGETS } from './index-rows.js';
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
  readonly #runs = new Map<string, { readonly contender: Contender; readonly row: Buffer }>();
  readonly #rows = { derived_lines: [] as Buffer[], points: [] as Buffer[], data_lines: [] as Buffer[] };
  readonly #derivedRuns = new Set<string>();
  readonly #progress = new Map<number, Progress>();
  #records = 0;
  #length = 0;

  constructor(experiment: string) {
    this.#experiment = experiment;
  }

  /** Of all its rows, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** Records, superseded ones too. */
  get records(): number {
    return this.#records;
  }

  addRun(runId: string, contender: Contender, row: Buffer): void {
    this.#records++;
    this.#length += row.length;
    const standing = this.#runs.get(runId);
    if (!standing || compareContenders(standing.contender, contender) > 0)
      this.#runs.set(runId, { contender, row });
  }

  addLine(table: Exclude<LineTable, 'runs'>, runId: string, row: Buffer): void {
    this.#length += row.length;
    this.#rows[table].push(row);
    if (table === 'derived_lines') this.#derivedRuns.add(runId);
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
        if (this.#rows[table].length > 0) await copyIn(client, TARGETS[table], this.#rows[table]);
      const changed = [...this.#derivedRuns, ...this.#runs.keys()];
      if (derivations.size > 0 && changed.length > 0)
        await updateDerived(client, this.#experiment, derivations, changed);
      await writeTypes(client, this.#experiment, types);
      await this.#writeProgress(client);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  /**
   * Most runs are new: only where one is not, the rows take the way through a staging table, which costs as much again.
   * Asking before whether one is there would take a tenth of the time.
   */
  async #writeRuns(client: Client): Promise<void> {
    if (this.#runs.size === 0) return;
    const rows = [...this.#runs.values()].map(({ row }) => row);
    await client.query('SAVEPOINT new_runs');
    try {
      await copyIn(client, TARGETS.runs, rows);
      await client.query('RELEASE new_runs');
      return;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== UNIQUE_VIOLATION) throw error;
      await client.query('ROLLBACK TO new_runs');
    }
    await client.query('CREATE TEMP TABLE staged (LIKE runs) ON COMMIT DROP');
    await copyIn(client, TARGETS.runs.replace(/^runs/, 'staged'), rows);
    await client.query(`INSERT INTO runs SELECT * FROM staged
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

const UPDATED = (/\(([\s\S]*)\)/.exec(TARGETS.runs)?.[1] ?? '')
  .split(',')
  .map((name) => name.trim())
  .filter((name) => name !== 'experiment' && name !== 'run_id')
  .map((name) => `${name} = EXCLUDED.${name}`)
  .join(', ');

/** The rule of the final record, as in `final-record.ts`: the row that sorts first counts. */
const orderOf = (row: string) =>
  `(-${row}.generation, CASE ${row}.status WHEN 'success' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END,
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
