/** Of a group of rows, which is held in memory. */
const GROUP_CELLS = 200_000;
/** A file describes every column of every group. */
const MIN_GROUP_ROWS = 256;

/** Rows in groups, as a file with so many columns has them. */
export async function* rowGroups<T>(
  batches: AsyncIterable<readonly T[]>,
  columns: number,
): AsyncGenerator<readonly T[], void> {
  const most = Math.max(MIN_GROUP_ROWS, Math.ceil(GROUP_CELLS / columns));
  let group: T[] = [];
  for await (const rows of batches)
    for (const row of rows) {
      group.push(row);
      if (group.length < most) continue;
      yield group;
      group = [];
    }
  if (group.length > 0) yield group;
}
