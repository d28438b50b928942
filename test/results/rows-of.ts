import type { SqlAnswer } from '../../src/results/engine.js';

/** All rows of a SQL answer. */
export async function rowsOf(answer: Promise<SqlAnswer>) {
  const rows = [];
  for await (const batch of (await answer).batches()) rows.push(...batch);
  return rows;
}
