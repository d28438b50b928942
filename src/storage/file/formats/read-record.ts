import { decodeNumber } from '../../../definition/non-finite.js';
import { type MetricValue, RUN_STATUSES, type RunRecord } from '../../../definition/record.js';
import { wellFormedJson } from '../../../definition/well-formed.js';

/**
 * A record from its line. Metrics that are not finite are numbers again. Fields that the line lacks are empty.
 *
 * @returns `undefined` where the line is no record
 */
export const readRecord = (bytes: Buffer, start: number, end: number): RunRecord | undefined =>
  parseRecord(bytes.toString('utf8', start, end));

/** The same from the line's text. */
export function parseRecord(json: string): RunRecord | undefined {
  let value: Partial<RunRecord> | null;
  try {
    value = JSON.parse(wellFormedJson(json)) as Partial<RunRecord> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || typeof value.run_id !== 'string') return undefined;
  if (!(RUN_STATUSES as readonly unknown[]).includes(value.status)) return undefined;
  reviveMetrics(value.metrics);
  return value as RunRecord;
}

function reviveMetrics(metrics: { [name: string]: MetricValue } | undefined): void {
  for (const name in metrics) {
    if (typeof metrics[name] !== 'object') continue;
    metrics[name] = decodeNumber(metrics[name]);
  }
}
