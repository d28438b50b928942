import type { RunRecord } from '../definition/record.js';

/** A record from the JSON that DuckDB makes of its row: what the record lacked is null there, what is null is its error. */
export function parseRecord(json: string): RunRecord {
  const row = JSON.parse(json) as RunRecord;
  return Object.fromEntries(
    Object.entries(row).filter(([key, value]) => value !== null || key === 'error'),
  ) as unknown as RunRecord;
}
