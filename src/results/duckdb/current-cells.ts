import { type Current, caseFingerprints, seedFingerprints } from '../current.js';
import { type Database, quoteText } from './database.js';

/** SQL about which rows are current. Both know the columns of a record, and `submission`. */
export interface CurrentSql {
  readonly condition: string;
  /** The cell's index in the latest declaration. */
  readonly index: string;
}

const CASES = 'current_cases';
const SEEDS = 'current_seeds';

/**
 * Makes the tables that say which cells the latest declaration has: only where there are submissions of other cells.
 *
 * @param current null: all rows are current
 */
export async function currentSql(database: Database, current: Current | null): Promise<CurrentSql> {
  if (!current) return { condition: 'true', index: '"index"' };
  const identity = `code_fingerprint = ${quoteText(current.code_fingerprint)} AND context_fingerprint = ${quoteText(current.context_fingerprint)}`;
  if (current.otherCells.length === 0) return { condition: identity, index: '"index"' };
  await createLookup(database, CASES, caseFingerprints(current));
  await createLookup(database, SEEDS, seedFingerprints(current));
  const others = `submission IN (${current.otherCells.map(quoteText).join(', ')})`;
  const isCell = `params_fingerprint IN (SELECT fingerprint FROM ${CASES}) AND seed_fingerprint IN (SELECT fingerprint FROM ${SEEDS})`;
  const number = `(SELECT number FROM ${CASES} WHERE fingerprint = params_fingerprint)`;
  return {
    condition: `${identity} AND (NOT ${others} OR (${isCell}))`,
    index: `CASE WHEN ${others} THEN coalesce(${number} * ${current.seeds.replicates} + replicate, "index") ELSE "index" END`,
  };
}

async function createLookup(
  database: Database,
  table: string,
  fingerprints: Iterable<string>,
): Promise<void> {
  const values = [...new Set(fingerprints)];
  await database.create(table, [
    { name: 'fingerprint', type: 'VARCHAR', values },
    { name: 'number', type: 'BIGINT', values: values.map((_, number) => number) },
  ]);
}
