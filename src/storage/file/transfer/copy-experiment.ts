import { eachAtOnce } from '../../../definition/each-at-once.js';
import { countRuns } from '../count-runs.js';
import { segmentsFolder } from '../layout.js';
import { listNames } from '../list-names.js';
import { removeTables } from '../remove-tables.js';
import { noteRewritten } from '../rewritten.js';
import { listTransferFiles, type TransferChoice, type TransferFile } from './list-files.js';
import { mergeFile } from './merge-file.js';

/** A file of which both stores have one, and neither can be told to be right. The target's stays. */
export interface Conflict {
  /** In the experiment's folder. */
  readonly path: string;
  readonly what: string;
}

export interface CopiedExperiment {
  readonly experiment_id: string;
  /** Whether the target had nothing of it. Then it has the source's compacted tables, too. */
  readonly is_new: boolean;
  /** Files of which the target has more now, and what was written. */
  readonly files: number;
  readonly bytes: number;
  /** Files that the target had already. */
  readonly same: number;
  readonly conflicts: readonly Conflict[];
  /** Whether lines were filled in where the target had taken them out: what is computed from it begins again. */
  readonly filled_holes: boolean;
  /** Runs with a record that the target has then, and those of the source. */
  readonly runs: number;
  readonly source_runs: number;
}

export interface CopyOptions extends TransferChoice {
  readonly signal?: AbortSignal;
  /** Gets the number of bytes that are done, of all files of the experiment. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Each file is synced, which takes some ms, and most are small. */
const AT_ONCE = 8;

/**
 * Merges all of an experiment into another store's folder: see `merge-file.ts` for files that are there. Stopped, or
 * killed, it goes on where it is called again.
 *
 * @param from folder of the experiment
 * @param to its folder in the target
 */
export async function copyExperiment(
  experiment_id: string,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<CopiedExperiment> {
  const is_new = (await listNames(segmentsFolder(to))).length === 0;
  const all = await listTransferFiles(from, options);
  const files = is_new ? all : all.filter(({ rule }) => rule !== 'table');
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const conflicts: Conflict[] = [];
  const counts = { files: 0, bytes: 0, same: 0 };
  let filled_holes = false;
  let done = 0;
  const copy = async (file: TransferFile) => {
    const merged = await mergeFile(from, to, file);
    if (merged.result === 'copied') {
      counts.files++;
      counts.bytes += merged.bytes;
      filled_holes ||= merged.filledHoles && file.rule === 'lines';
    } else if (merged.result === 'same') counts.same++;
    else conflicts.push({ path: file.path, what: merged.what });
    done += file.size;
    options.onProgress?.(done, total);
  };
  for (const group of byFolder(files)) await eachAtOnce(group, AT_ONCE, copy, options.signal);
  if (filled_holes) {
    await removeTables(to);
    await noteRewritten(to);
  }
  const [source_runs, runs] = [await countRuns(from), await countRuns(to)];
  return { experiment_id, is_new, ...counts, conflicts, filled_holes, runs, source_runs };
}

/** What is in one folder may come in any order: what it refers to is in others before. */
function byFolder(files: readonly TransferFile[]): Iterable<TransferFile[]> {
  const folders = new Map<string, TransferFile[]>();
  for (const file of files) {
    const folder = file.path.split('/', 1)[0]!;
    const others = folders.get(folder);
    if (others) others.push(file);
    else folders.set(folder, [file]);
  }
  return folders.values();
}
