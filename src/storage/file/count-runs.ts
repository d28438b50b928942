import { scanLines } from './formats/lines.js';
import { runIdOf } from './formats/run-id-of-line.js';
import { listSegments } from './formats/segments.js';

/** So many hexadecimal digits are a whole number that a double holds. */
const DIGITS = 13;

/**
 * How many runs have a record. Two of 10,000,000 runs count as one with a probability of 1 %; in another store with the
 * same runs they do so too. Memory: 16 bytes a record.
 */
export async function countRuns(folder: string): Promise<number> {
  let ids = new Float64Array(1024);
  let records = 0;
  for (const { path } of await listSegments(folder, 'records'))
    await scanLines(path, (bytes, start, end) => {
      const id = Number.parseInt(runIdOf(bytes, start, end)?.slice(0, DIGITS) ?? '', 16);
      if (Number.isNaN(id)) return;
      if (records === ids.length) {
        const grown = new Float64Array(2 * records);
        grown.set(ids);
        ids = grown;
      }
      ids[records++] = id;
    });
  const sorted = ids.subarray(0, records).sort();
  return sorted.reduce((runs, id, at) => (at > 0 && sorted[at - 1] === id ? runs : runs + 1), 0);
}
