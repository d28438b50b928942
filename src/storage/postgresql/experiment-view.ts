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
const experimentViewName = (experiment: string): string => shortened(experiment);

/**
 * Creates or extends an experiment's view: one row a run, and a typed column for each param, metric and derived metric. New
 * columns are added at its end, so that grants on it and views of it stay valid. Only where a column's type has changed is the
 * view created again.
 *
 * @returns how many of these have no column, since there are too many
 */
export async function updateExperimentView(client: Client, experiment: string): Promise<number> {
  const { rows } = await client.query<TypedValue>(
    'SELECT source, key, type FROM value_types WHERE experiment = $1',
    [experiment],
  );
  const columns = columnsOf(rows);
  const view = pg.escapeIdentifier(experimentViewName(experiment));
  const known = await readView(client, view);
  const ordered = known && inOrderOf(known.columns, columns);
  const kept = (ordered ?? columns).slice(0, MAX_COLUMNS - FIELDS.length);
  const left_out = columns.length - kept.length;
  const note =
    left_out === 0
      ? 'Runs, with their params, metrics and derived metrics'
      : `${left_out} of ${columns.length} values have no column here, since PostgreSQL allows ${MAX_COLUMNS}: they are in runs.params, runs.metrics and runs.derived`;
  const list = [...FIELDS, ...kept.map(({ as, sql }) => `${sql} AS ${pg.escapeIdentifier(as)}`)].join(
    ',\n  ',
  );
  const select = `SELECT\n  ${list}\nFROM runs WHERE experiment = ${pg.escapeLiteral(experiment)}`;
  if (ordered && known.note === note && known.columns.length === FIELDS.length + kept.length) return left_out;
  await client.query('BEGIN');
  try {
    if (!ordered) await client.query(`DROP VIEW IF EXISTS ${view}`);
    await client.query(`CREATE OR REPLACE VIEW ${view} AS ${select}`);
    await client.query(`COMMENT ON VIEW ${view} IS ${pg.escapeLiteral(note)}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
  return left_out;
}

interface KnownView {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly note: string | null;
}

/** The view that is there: it may lack columns, of a process that was killed before it could add them. */
async function readView(client: Client, view: string): Promise<KnownView | undefined> {
  const { rows } = await client.query<{ name: string; type: string; note: string | null }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type, obj_description(attrelid, 'pg_class') AS note
     FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(current_schema()) || '.' || $1) AND attnum > 0
     ORDER BY attnum`,
    [view],
  );
  return rows[0] && { columns: rows, note: rows[0].note };
}

/** @returns undefined where one of the known columns is gone, or has another type now: then PostgreSQL can't only add some */
function inOrderOf(known: KnownView['columns'], columns: readonly ViewColumn[]): ViewColumn[] | undefined {
  if (FIELDS.some((field, at) => known[at]?.name !== field)) return undefined;
  const rest = new Map(columns.map((column) => [column.as, column]));
  const first: ViewColumn[] = [];
  for (const { name, type } of known.slice(FIELDS.length)) {
    const column = rest.get(name);
    if (column?.type !== type) return undefined;
    first.push(column);
    rest.delete(name);
  }
  return [...first, ...rest.values()];
}

export async function dropExperimentView(client: Client, experiment: string): Promise<void> {
  await client.query(`DROP VIEW IF EXISTS ${pg.escapeIdentifier(experimentViewName(experiment))}`);
}

const SOURCES: readonly string[] = VALUE_SOURCES;

interface ViewColumn {
  readonly as: string;
  readonly sql: string;
  /** As PostgreSQL writes it. */
  readonly type: string;
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
    return { as, ...typedSql(source, key, found) };
  });
}

function typedSql(
  source: string,
  key: string,
  types: ReadonlySet<string>,
): { readonly sql: string; readonly type: string } {
  const literal = pg.escapeLiteral(key);
  const [only, ...others] = [...types].filter((type) => type !== 'null');
  const text = `(${source}->>${literal})`;
  if (others.length > 0) return { sql: text, type: 'text' };
  if (only === 'json') return { sql: `${source}->${literal}`, type: 'jsonb' };
  if (only === 'number') return { sql: `${text}::double precision`, type: 'double precision' };
  return only === 'boolean' ? { sql: `${text}::boolean`, type: 'boolean' } : { sql: text, type: 'text' };
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
