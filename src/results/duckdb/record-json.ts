import type { RunRecord } from '../../definition/record.js';

/** A record from the JSON that DuckDB makes of its row: what the record lacked is null there, what is null is its error. */
export function parseRecord(json: string): RunRecord {
  const row = JSON.parse(json) as { [key: string]: unknown };
  for (const key in row) if (row[key] === null && key !== 'error') delete row[key];
  return row as unknown as RunRecord;
}
