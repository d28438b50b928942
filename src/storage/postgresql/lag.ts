import { forEachLine, lineChunks } from '../file/formats/lines.js';
import { connectIndex } from './connect.js';
import { indexFault } from './faults.js';
import { isUpToDate } from './migrate.js';
import type { PostgresSettings } from './settings.js';
import { unreadLines } from './unread-lines.js';

/** Asked for display: it must not keep anybody waiting. */
const CONNECT_WITHIN_MS = 2000;

/**
 * How many lines of each experiment's records, derived metrics, curves and data the index does not have yet.
 *
 * @throws StoreError where it can't be asked
 */
export async function indexLag(
  settings: PostgresSettings,
  folders: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, number>> {
  const positions = await readPositions(settings, [...folders.keys()]);
  const lags = new Map<string, number>();
  for (const [experiment, folder] of folders)
    lags.set(experiment, await countLines(folder, positions.get(experiment)));
  return lags;
}

/** How many bytes of each file have been read. */
type Positions = { [path: string]: number };

async function readPositions(
  settings: PostgresSettings,
  experiments: string[],
): Promise<Map<string, Positions>> {
  const client = await connectIndex(settings, CONNECT_WITHIN_MS);
  const positions = new Map<string, Positions>();
  try {
    // Before the first pass there is no schema: nothing is indexed.
    if (!(await isUpToDate(client, settings))) return positions;
    const { rows } = await client.query<{ experiment: string; path: string; bytes: string }>(
      'SELECT experiment, path, bytes FROM segments WHERE experiment = ANY($1)',
      [experiments],
    );
    for (const { experiment, path, bytes } of rows) {
      const known = positions.get(experiment) ?? {};
      known[path] = Number(bytes);
      positions.set(experiment, known);
    }
    return positions;
  } catch (error) {
    throw indexFault(error, settings);
  } finally {
    await client.end().catch(() => {});
  }
}

async function countLines(folder: string, read: Positions = {}): Promise<number> {
  let lines = 0;
  for (const { path, from, to } of await unreadLines(folder, read))
    for await (const chunk of lineChunks(path, { from, to })) forEachLine(chunk, () => lines++);
  return lines;
}
