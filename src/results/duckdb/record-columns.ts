/**
 * A record's fields as columns, in its keys' order. Given, never inferred: inference makes rows of torn tails, nulls of
 * late type changes, and dates of text.
 */
export const RECORD_COLUMNS = {
  run_id: 'VARCHAR',
  experiment_id: 'VARCHAR',
  status: 'VARCHAR',
  generation: 'BIGINT',
  attempt: 'BIGINT',
  context_fingerprint: 'VARCHAR',
  params_fingerprint: 'VARCHAR',
  seed_fingerprint: 'VARCHAR',
  code_fingerprint: 'VARCHAR',
  index: 'BIGINT',
  replicate: 'BIGINT',
  params: 'JSON',
  metrics: 'JSON',
  started_at: 'VARCHAR',
  finished_at: 'VARCHAR',
  duration_ms: 'DOUBLE',
  provenance: 'JSON',
  error: 'JSON',
  tags: 'JSON',
  warnings: 'JSON',
  notes: 'JSON',
  artifacts: 'JSON',
} as const;

/**
 * Where a record stood, which the rule of the final record needs: its segment, and its place among the segment's records
 * (not in bytes, which DuckDB doesn't tell).
 */
export const PLACE_COLUMNS = { segment: 'VARCHAR', segment_offset: 'BIGINT' } as const;

const NAMES = Object.keys(RECORD_COLUMNS);

/** The names of a record's columns, as SQL lists them. */
export const RECORD_LIST = NAMES.map((name) => `"${name}"`).join(', ');

/** A row of them as one JSON text. */
export const RECORD_JSON = `CAST(to_json(struct_pack(${NAMES.map((name) => `"${name}" := "${name}"`).join(', ')})) AS VARCHAR)`;
