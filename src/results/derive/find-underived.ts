import { type UncoveredSegment, uncoveredOf, wholeLines } from '../../storage/file/formats/coverage.js';
import { currentDerivations, listDerived, scanDerived } from '../../storage/file/formats/derived.js';
import { readOrigins } from '../current.js';
import { type Database, openDatabase } from '../duckdb/database.js';
import { type LoadedRuns, loadRuns } from '../duckdb/load-runs.js';
import { RowLoader } from '../duckdb/row-loader.js';

const LINES = 'derived_lines_of_code';

/** A run whose derived metrics are missing, or of other code. */
export interface UnderivedRun {
  /** `{submission}/{file}`, and where its record's line begins. */
  readonly segment: string;
  readonly offset: number;
  /** The derivations that have no values for it. */
  readonly derivations: readonly string[];
}

/** Successful runs that lack derived metrics: {@link openUnderived}. */
export interface Underived {
  /** How many successful runs there are, and how many of them lack metrics of each derivation, or of any. */
  readonly runs: number;
  readonly missing: { readonly [derivation: string]: number };
  readonly total: number;
  /** The derivation of each metric that is computed for some run. */
  readonly owners: ReadonlyMap<string, string>;
  /** In the order of the segments. */
  list(): AsyncGenerator<UnderivedRun, void>;
  close(): Promise<void>;
}

/**
 * Finds the successful runs for which derivations have no values of their present code.
 *
 * @param codes the fingerprint of each derivation's code
 * @param options.all runs of older declarations too
 */
export async function openUnderived(
  folder: string,
  codes: ReadonlyMap<string, string>,
  { all = false }: { readonly all?: boolean } = {},
): Promise<Underived> {
  const database = await openDatabase();
  let runs: LoadedRuns | undefined;
  try {
    const files = await wholeLines(await uncoveredOf(await listDerived(folder), undefined));
    const owners = await loadLines(database, files, codes, await currentDerivations(folder));
    runs = await loadRuns(database, folder, { ...(await readOrigins(folder)), all, derived: false });
    const names = [...codes.keys()];
    await createUnderived(database, runs, names);
    const counts = names.map((_, index) => `count(*) FILTER (NOT d${index}) AS n${index}`);
    const [counted] = await database.all(
      `SELECT ${['count(*) AS total', ...counts].join(', ')} FROM underived`,
    );
    const [{ n = 0 } = {}] = await database.all(
      `SELECT count(*) AS n FROM ${runs.rows()} WHERE status = 'success'`,
    );
    return {
      owners,
      runs: Number(n),
      total: Number(counted?.total ?? 0),
      missing: Object.fromEntries(names.map((name, index) => [name, Number(counted?.[`n${index}`] ?? 0)])),
      async *list() {
        for await (const batch of database.batches(
          'SELECT * FROM underived ORDER BY segment, segment_offset',
        )) {
          for (const row of batch)
            yield {
              segment: String(row.segment),
              offset: Number(row.segment_offset),
              derivations: names.filter((_, index) => row[`d${index}`] !== true),
            };
        }
      },
      close: () => close(database, runs),
    };
  } catch (error) {
    await close(database, runs);
    throw error;
  }
}

async function close(database: Database, runs: LoadedRuns | undefined): Promise<void> {
  database.close();
  await runs?.close();
}

/** Makes a table of the lines that have values of the code that counts. @returns whose each metric is */
async function loadLines(
  database: Database,
  files: readonly UncoveredSegment[],
  codes: ReadonlyMap<string, string>,
  current: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  const loader = new RowLoader(database, LINES, {
    run_id: 'VARCHAR',
    generation: 'BIGINT',
    attempt: 'BIGINT',
    derivation: 'VARCHAR',
    slot: 'VARCHAR',
  });
  await scanDerived(
    files,
    ({ run_id, generation, attempt, derivation, code, values }, slot, bytes) => {
      // Also of derivations that are computed now: another one may return the same name for other runs.
      if ((codes.get(derivation) ?? current.get(derivation)) !== code) return;
      for (const metric in values) owners.set(metric, derivation);
      if (codes.has(derivation)) loader.addRow([run_id, generation, attempt, derivation, slot], bytes);
    },
    async () => {
      if (loader.isFull) await loader.flush();
    },
  );
  await loader.end();
  return owners;
}

async function createUnderived(
  database: Database,
  runs: LoadedRuns,
  names: readonly string[],
): Promise<void> {
  await database.create('derivations', [
    { name: 'derivation', type: 'VARCHAR', values: names },
    { name: 'number', type: 'BIGINT', values: names.map((_, number) => number) },
  ]);
  const flags = names.map((_, number) => `coalesce(bool_or(number = ${number}), false) AS d${number}`);
  const any = names.map((_, number) => `NOT d${number}`).join(' OR ');
  await database.run(`CREATE TABLE underived AS
    WITH recorded AS (
      SELECT run_id, generation, attempt, segment, segment_offset, json_extract_string(provenance, '$.slot') AS own_slot
      FROM ${runs.rows()} WHERE status = 'success'),
    states AS (
      SELECT recorded.segment, recorded.segment_offset, ${flags.join(', ')} FROM recorded
      LEFT JOIN (SELECT * FROM ${LINES} JOIN derivations USING (derivation)) AS lines
        ON lines.run_id = recorded.run_id AND lines.generation = recorded.generation AND lines.attempt = recorded.attempt
        AND (lines.slot IS NULL OR lines.slot = own_slot)
      GROUP BY recorded.segment, recorded.segment_offset)
    SELECT * FROM states WHERE ${any}`);
}
