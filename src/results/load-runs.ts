import type { Segment } from '../storage/file/segments.js';
import { FINAL_RECORD_ORDER } from '../storage/final-record.js';
import { type Database, quoteText } from './database.js';

/** Records count only where they are of this code and context; null: all. */
export interface Current {
  readonly code_fingerprint: string;
  readonly context_fingerprint: string;
}

// Given, never inferred: inference makes rows of torn tails, nulls of late type changes, and dates of text.
const SCHEMA = {
  run_id: 'VARCHAR',
  status: 'VARCHAR',
  generation: 'BIGINT',
  attempt: 'BIGINT',
  context_fingerprint: 'VARCHAR',
  code_fingerprint: 'VARCHAR',
  index: 'BIGINT',
  replicate: 'BIGINT',
  params: 'JSON',
  metrics: 'JSON',
  started_at: 'VARCHAR',
  finished_at: 'VARCHAR',
  duration_ms: 'DOUBLE',
  error: 'JSON',
  tags: 'JSON',
  warnings: 'JSON',
  notes: 'JSON',
} as const;

/** DuckDB sizes its buffers by the longest line that it must take: 16 MiB is its own default, and too little for some. */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Makes the table `runs`: the final record of every run_id. Lines that are no records, torn or corrupt, become rows
 * without a run_id, and are left out. In the place of the byte offset, which DuckDB doesn't tell, is the line's number:
 * within a segment they order the same.
 */
export async function loadRuns(
  database: Database,
  segments: readonly Segment[],
  current: Current | null,
): Promise<void> {
  const columns = Object.entries(SCHEMA).map(([name, type]) => `"${name}" ${type}`);
  if (segments.length === 0) return database.run(`CREATE TABLE runs (${columns.join(', ')})`);
  const schema = Object.entries(SCHEMA).map(([name, type]) => `${quoteText(name)}: '${type}'`);
  await database.run(`
    CREATE TABLE runs AS
    SELECT * EXCLUDE (segment, segment_offset) FROM (
      SELECT *, row_number() OVER () AS segment_offset
      FROM read_json([${segments.map(({ path }) => quoteText(globLiteral(path))).join(', ')}],
        format = 'newline_delimited', columns = {${schema.join(', ')}}, ignore_errors = true,
        filename = 'segment', maximum_object_size = ${LONGEST_LINE_BYTES})
    )
    WHERE run_id IS NOT NULL AND status IN ('success', 'failed', 'cancelled')
    ${current ? `AND code_fingerprint = ${quoteText(current.code_fingerprint)} AND context_fingerprint = ${quoteText(current.context_fingerprint)}` : ''}
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ${FINAL_RECORD_ORDER}) = 1`);
}

/** DuckDB takes `*`, `?` and `[` of a path for a pattern. */
const globLiteral = (path: string) => path.replace(/[*?[]/g, '[$&]');
