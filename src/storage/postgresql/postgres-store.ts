import pg, { type Client } from 'pg';
import type { ExperimentManifest } from '../manifest.js';
import type { ExperimentManifests, FileText, LineKind, Store, StructuredResults } from '../store.js';
import { connectIndex } from './connect.js';
import { copyOut } from './copy-out.js';
import { indexFault } from './faults.js';
import { type PostgresSettings, postgresUri } from './settings.js';

/** The index of a store, where its files are elsewhere: results can be read, and nothing be written. */
export class PostgresStore implements Store, ExperimentManifests, StructuredResults {
  readonly uri: string;
  readonly #settings: PostgresSettings;

  constructor(settings: PostgresSettings) {
    this.uri = postgresUri(settings);
    this.#settings = settings;
  }

  async experiments(): Promise<string[]> {
    const rows = await collect(
      this.#rows(`SELECT experiment FROM manifest_files WHERE path = 'experiment.json'`),
    );
    return rows.map(([id]) => id!).sort();
  }

  async readManifest(experimentId: string): Promise<ExperimentManifest | undefined> {
    const of = pg.escapeLiteral(experimentId);
    const [row] = await collect(
      this.#rows(`SELECT content FROM manifest_files WHERE experiment = ${of} AND path = 'experiment.json'`),
    );
    return row && (JSON.parse(row[0]!) as ExperimentManifest);
  }

  async *manifests(experimentId: string): AsyncGenerator<FileText, void> {
    const of = pg.escapeLiteral(experimentId);
    const sql = `SELECT path, content FROM manifest_files WHERE experiment = ${of}`;
    for await (const [path, text] of this.#rows(sql)) yield { path: path!, text: text! };
  }

  async *lines(
    experimentId: string,
    kind: LineKind,
    runs?: readonly string[],
  ): AsyncGenerator<FileText, void> {
    const of = pg.escapeLiteral(experimentId);
    const sql = selectLines(kind, of, runs);
    for await (const [path, ...values] of this.#rows(sql))
      yield { path: path!, text: `${lineOf(kind, values)}\n` };
    if (kind !== 'records' || runs) return;
    const damaged = `SELECT path, damaged FROM segments WHERE experiment = ${of} AND damaged > 0`;
    // Readers count them by themselves.
    for await (const [path, n] of this.#rows(damaged)) yield { path: path!, text: '-\n'.repeat(Number(n)) };
  }

  async *#rows(select: string): AsyncGenerator<(string | null)[], void> {
    let client: Client | undefined;
    try {
      client = await connectIndex(this.#settings);
      for await (const rows of copyOut(client, select)) yield* rows;
    } catch (error) {
      throw indexFault(error, this.#settings);
    } finally {
      await client?.end().catch(() => {});
    }
  }
}

function selectLines(kind: LineKind, experiment: string, runs: readonly string[] | undefined): string {
  const wanted = runs?.map(
    (prefix) => `run_id LIKE ${pg.escapeLiteral(`${prefix.replace(/[\\%_]/g, '\\$&')}%`)}`,
  );
  const where = `experiment = ${experiment}${wanted ? ` AND (${wanted.join(' OR ') || 'false'})` : ''}`;
  if (kind === 'records') return `SELECT 'segments/' || segment, record FROM runs WHERE ${where}`;
  const [table, columns] = TABLES[kind];
  const lines = `(SELECT * FROM ${table} WHERE ${where}) AS lines`;
  // Points and entries of a run count in the order in which they were written. Tables keep no order.
  const order = ' ORDER BY segments.path, segment_offset';
  return `SELECT segments.path, ${columns} FROM ${lines} JOIN segments ON segments.id = lines.segment${order}`;
}

const TABLES = {
  derived: ['derived_lines', 'line'],
  series: ['points', 'line, run_id, generation, attempt, name, step, value'],
  data: ['data_lines', 'line'],
} as const;

function lineOf(kind: LineKind, [line, ...point]: readonly (string | null)[]): string {
  if (kind !== 'series' || typeof line === 'string') return line!;
  const [run_id, generation, attempt, name, step, value] = point;
  const number = /^-?\d/.test(value!) ? value : `{"$numberDouble":"${value}"}`;
  return `{"run_id":${JSON.stringify(run_id)},"attempt":${attempt},"generation":${generation},"name":${JSON.stringify(name)},"step":${step},"value":${number}}`;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
