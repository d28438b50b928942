import { createHash } from 'node:crypto';
import pg, { type Client } from 'pg';
import { type TypedValue, VALUE_SOURCES } from './value-types.js';

/** PostgreSQL allows 1,600 columns of a view. */
const MAX_COLUMNS = 1600;
/** And so many bytes of a name. */
const MAX_NAME_BYTES = 63;

const FIELDS = [
  'run_id',
  'status',
  'generation',
  'attempt',
  'index',
  'replicate',
  'started_at',
  'finished_at',
  'duration_ms',
  'submission',
  'error_type',
  'error_message',
  'tags',
];

/** `pi_mc:0.1`, unless that is too long for PostgreSQL. */
export const experimentViewName = (experiment: string): string => shortened(experiment);

/**
 * Makes the view of an experiment: one row a run, with a typed column for each param, metric and derived metric.
 *
 * @returns how many of these have no column, since there are too many
 */
export async function makeExperimentView(client: Client, experiment: string): Promise<number> {
  const { rows } = await client.query<TypedValue>(
    'SELECT source, key, type FROM value_types WHERE experiment = $1',
    [experiment],
  );
  const columns = columnsOf(rows);
  const kept = columns.slice(0, MAX_COLUMNS - FIELDS.length);
  const view = pg.escapeIdentifier(experimentViewName(experiment));
  const list = [...FIELDS, ...kept.map(({ as, sql }) => `${sql} AS ${pg.escapeIdentifier(as)}`)].join(
    ',\n  ',
  );
  const left_out = columns.length - kept.length;
  const note =
    left_out === 0
      ? 'Runs, with their params, metrics and derived metrics'
      : `${left_out} of ${columns.length} values have no column here, since PostgreSQL allows ${MAX_COLUMNS}: they are in runs.params, runs.metrics and runs.derived`;
  await client.query('BEGIN');
  try {
    await client.query(`DROP VIEW IF EXISTS ${view}`);
    await client.query(
      `CREATE VIEW ${view} AS SELECT\n  ${list}\nFROM runs WHERE experiment = ${pg.escapeLiteral(experiment)}`,
    );
    await client.query(`COMMENT ON VIEW ${view} IS ${pg.escapeLiteral(note)}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
  return left_out;
}

export async function dropExperimentView(client: Client, experiment: string): Promise<void> {
  await client.query(`DROP VIEW IF EXISTS ${pg.escapeIdentifier(experimentViewName(experiment))}`);
}

const SOURCES: readonly string[] = VALUE_SOURCES;

interface ViewColumn {
  readonly as: string;
  readonly sql: string;
}

/** Named as in results: `loss`, or `metrics.loss` where the short name means something else too. */
function columnsOf(values: readonly TypedValue[]): ViewColumn[] {
  const types = new Map<
    string,
    { readonly source: string; readonly key: string; readonly types: Set<string> }
  >();
  for (const { source, key, type } of values) {
    const id = `${source} ${key}`;
    const known = types.get(id) ?? { source, key, types: new Set() };
    known.types.add(type);
    types.set(id, known);
  }
  const all = [...types.values()].sort(
    (a, b) => SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source) || (a.key < b.key ? -1 : 1),
  );
  const counts = new Map(FIELDS.map((field) => [field, 1]));
  for (const { key } of all) counts.set(key, (counts.get(key) ?? 0) + 1);
  const taken = new Set(FIELDS);
  return all.map(({ source, key, types: found }) => {
    const full = `${source}.${key}`;
    let as = shortened(key === '' || counts.get(key)! > 1 ? full : key);
    if (taken.has(as)) as = shortened(full);
    for (let number = 2; taken.has(as); number++) as = shortened(`${full} ${number}`);
    taken.add(as);
    return { as, sql: valueSql(source, key, found) };
  });
}

function valueSql(source: string, key: string, types: ReadonlySet<string>): string {
  const literal = pg.escapeLiteral(key);
  const [only, ...others] = [...types].filter((type) => type !== 'null');
  if (only === 'json' && others.length === 0) return `${source}->${literal}`;
  const text = `${source}->>${literal}`;
  if (others.length > 0) return `(${text})`;
  if (only === 'number') return `(${text})::double precision`;
  return only === 'boolean' ? `(${text})::boolean` : `(${text})`;
}

/** A name that PostgreSQL would cut off ends in a hash: so that two don't become one. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const kept = Buffer.from(name)
    .subarray(0, MAX_NAME_BYTES - hash.length - 1)
    .toString('utf8');
  return `${kept.replace(/\ufffd+$/, '')}~${hash}`;
}
