import { uncoveredOf, wholeLines } from '../file/formats/coverage.js';
import { listDerived } from '../file/formats/derived.js';
import { listSegments, type Segment } from '../file/formats/segments.js';
import type { LineKind } from '../store.js';

/** Records first: what derives from them is joined to them. */
const KINDS: readonly LineKind[] = ['records', 'derived', 'series', 'data'];

/** Whole lines of a file that the index does not have: those from byte `from` to byte `to`. */
export interface UnreadLines extends Segment {
  readonly kind: LineKind;
  readonly from: number;
  readonly to: number;
}

/**
 * What is to be read of an experiment's files.
 *
 * @param read how many bytes of each file have been read, by its path in the experiment's folder
 */
export async function unreadLines(
  folder: string,
  read: { readonly [path: string]: number },
): Promise<UnreadLines[]> {
  const unread: UnreadLines[] = [];
  for (const kind of KINDS)
    for (const file of await wholeLines(await uncoveredOf(await filesOf(folder, kind), read)))
      unread.push({ kind, ...file });
  return unread;
}

/** Files of lines, by their path in the experiment's folder. */
async function filesOf(folder: string, kind: LineKind): Promise<Segment[]> {
  if (kind === 'derived') return listDerived(folder);
  return (await listSegments(folder, kind)).map(({ name, path }) => ({ name: `segments/${name}`, path }));
}
