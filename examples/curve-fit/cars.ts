import { parse } from 'csv-parse/sync';

/** One observation: power in horsepower (x), economy in miles per US gallon (y). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The cars of the 1983 ASA Data Exposition that have both measurements.
 *
 * @param csv a table with the columns `power (hp)` and `economy (mpg)`
 */
export function parseCars(csv: Buffer): Point[] {
  const rows = parse<Record<string, string>>(csv, { columns: true });
  return rows
    .filter((row) => row['power (hp)'] && row['economy (mpg)'])
    .map((row) => ({ x: Number(row['power (hp)']), y: Number(row['economy (mpg)']) }));
}
