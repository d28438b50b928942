import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { StoreError } from '../../definition/errors.js';
import { runsFolder } from '../../storage/file/layout.js';
import { newScratchFolder, tidyScratchFolders } from './scratch-folders.js';

/** Of JavaScript's own heap. DuckDB's memory, most of it, has its limit in `database.ts`. */
const HEAP_MEGABYTES = 128;

/** How a compaction ended: with how many runs in the file, or because nothing was to be done. */
export type CompactionResult =
  | { readonly kind: 'compacted'; readonly runs: number }
  | { readonly kind: 'nothing to do' | 'busy' | 'stopped' };

type Answer = { readonly runs: number | null } | { readonly failure: string };

/**
 * Compacts an experiment's records in a process of its own, of low priority and bounded memory, which ends with this one.
 *
 * @param folder the experiment's
 * @param signal ends it
 * @throws StoreError where it fails; then everything is as it was before
 */
export async function compactInChild(folder: string, signal?: AbortSignal): Promise<CompactionResult> {
  if (await tidyScratchFolders(folder)) return { kind: 'busy' };
  if (signal?.aborted) return { kind: 'stopped' };
  const scratch = newScratchFolder(folder);
  const program = fileURLToPath(new URL('./compact-main.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MEGABYTES}`, program, folder, scratch],
    { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  );
  const end = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', end, { once: true });
  try {
    const answer = await answerOf(child);
    if (signal?.aborted) return { kind: 'stopped' };
    if ('failure' in answer) throw failed(folder, answer.failure);
    return answer.runs === null ? { kind: 'nothing to do' } : { kind: 'compacted', runs: answer.runs };
  } finally {
    signal?.removeEventListener('abort', end);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Resolves when the child has ended. */
function answerOf(child: ChildProcess): Promise<Answer> {
  let answer: Answer | undefined;
  let output = '';
  child.on('message', (message: Answer) => {
    answer = message;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-2000);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ failure: error.message }));
    child.once('close', (code, exitSignal) => {
      const words = output.trim().split('\n').at(-1) ?? '';
      resolve(answer ?? { failure: `its process ended with ${exitSignal ?? code}${words && `: ${words}`}` });
    });
  });
}

const failed = (folder: string, why: string) =>
  new StoreError({
    code: 'METALAB_COMPACTION',
    where: runsFolder(folder),
    what: `the runs could not be compacted: ${why}`,
    next: 'nothing is lost, results are read from the segments; try `metalab store compact`',
  });
