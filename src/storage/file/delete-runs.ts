import { deleteLines } from './check/heal-file.js';
import { listDerived } from './formats/derived.js';
import { forEachLine, lineChunks } from './formats/lines.js';
import { runIdOf } from './formats/run-id-of-line.js';
import { listSegments } from './formats/segments.js';
import { removeTables } from './remove-tables.js';
import { noteRewritten } from './rewritten.js';

export interface DeletedRuns {
  /** Records, of all generations and attempts. */
  readonly records: number;
  /** Points of series, data entries, log lines and derived metrics. */
  readonly lines: number;
}

/**
 * Deletes runs: every line of theirs becomes an empty one, so that others keep their offsets. Their artifacts are then
 * what `store gc` removes. Records of earlier submissions go first, and series and logs after all records: where this is
 * killed, what is left is at most lines that nothing refers to.
 *
 * @param folder the experiment's; the caller has the store's lease
 */
export async function deleteRuns(folder: string, runs: ReadonlySet<string>): Promise<DeletedRuns> {
  const deleted = { records: 0, lines: 0 };
  // Not afterwards: killed in between, they would show what is gone.
  await removeTables(folder);
  await noteRewritten(folder);
  for (const { path } of await listSegments(folder, 'records'))
    deleted.records += await deleteFrom(path, runs);
  const others = [
    ...(await listSegments(folder, 'series')),
    ...(await listSegments(folder, 'data')),
    ...(await listSegments(folder, 'logs')),
    ...(await listDerived(folder)),
  ];
  for (const { path } of others) deleted.lines += await deleteFrom(path, runs);
  await noteRewritten(folder);
  return deleted;
}

async function deleteFrom(path: string, runs: ReadonlySet<string>): Promise<number> {
  const lines: { readonly from: number; readonly to: number }[] = [];
  for await (const chunk of lineChunks(path))
    forEachLine(chunk, (bytes, start, end, offset) => {
      const run = runIdOf(bytes, start, end);
      if (run !== undefined && runs.has(run)) lines.push({ from: offset, to: offset + end - start });
    });
  if (lines.length > 0) await deleteLines(path, lines);
  return lines.length;
}
