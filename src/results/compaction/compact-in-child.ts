import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { StoreError } from '../../definition/errors.js';
import { runsFolder } from '../../storage/file/layout.js';
import { newScratchFolder, tidyScratchFolders } from './scratch-folders.js';

/** Of JavaScript's own heap. DuckDB's memory, most of it, has its limit in `database.ts`. */
const HEAP_MEGABYTES = 256;
const MAX_OUTPUT = 16_384;
const OUT_OF_MEMORY = `its process needed more than ${HEAP_MEGABYTES} MB of heap`;

/** How a compaction ended: with how many runs in the file, or because nothing was to be done. */
export type CompactionResult =
  | { readonly kind: 'compacted'; readonly runs: number }
  | { readonly kind: 'nothing to do' | 'busy' | 'stopped' };

export interface CompactionRequest {
  readonly folder: string;
  readonly scratch: string;
  /** At the priority of its parent; else at the lowest. */
  readonly urgent: boolean;
  /** The series too, after the runs. */
  readonly series: boolean;
}

export type CompactionAnswer = { readonly runs: number | null } | { readonly failure: string };

type CompactionOptions = Partial<Pick<CompactionRequest, 'urgent' | 'series'>> & {
  readonly signal?: AbortSignal | undefined;
};

/** A process of bounded memory that compacts experiments, one at a time. It ends with this one. */
export class CompactionProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  #output = '';

  constructor() {
    const program = fileURLToPath(new URL('./compact-main.js', import.meta.url));
    this.#child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MEGABYTES}`, program], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('close', (code, exitSignal) => {
        const words = this.#output.trim().split('\n').at(-1) ?? '';
        // V8 prints a stack after it.
        if (this.#output.includes('heap out of memory')) resolve(OUT_OF_MEMORY);
        else resolve(`its process ended with ${exitSignal ?? code}${words && `: ${words}`}`);
      });
    });
  }

  /**
   * @param folder the experiment's
   * @param signal ends the process
   * @throws StoreError where it fails; then everything is as it was before
   */
  async compact(
    folder: string,
    { urgent = false, series = true, signal }: CompactionOptions = {},
  ): Promise<CompactionResult> {
    if (await tidyScratchFolders(folder)) return { kind: 'busy' };
    if (signal?.aborted) return { kind: 'stopped' };
    const scratch = newScratchFolder(folder);
    const end = () => this.#child.kill('SIGKILL');
    signal?.addEventListener('abort', end, { once: true });
    try {
      const answer = await this.#ask({ folder, scratch, urgent, series });
      if (signal?.aborted) return { kind: 'stopped' };
      if ('failure' in answer) throw failed(folder, answer.failure);
      return answer.runs === null ? { kind: 'nothing to do' } : { kind: 'compacted', runs: answer.runs };
    } finally {
      signal?.removeEventListener('abort', end);
      await rm(scratch, { recursive: true, force: true });
    }
  }

  #ask(request: CompactionRequest): Promise<CompactionAnswer> {
    const answered = new Promise<CompactionAnswer>((resolve) =>
      this.#child.once('message', (answer) => resolve(answer as CompactionAnswer)),
    );
    const sent = new Promise<void>((resolve) => this.#child.send(request, () => resolve()));
    return sent.then(() => Promise.race([answered, this.#ended.then((failure) => ({ failure }))]));
  }

  /** Ends it, by force: all that counts is published by one rename. Resolves when it has ended. */
  async close(): Promise<void> {
    // Not by disconnecting: Node then emits no `close`.
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** Compacts an experiment's records in a process of its own, of low priority. */
export async function compactInChild(folder: string, signal?: AbortSignal): Promise<CompactionResult> {
  const child = new CompactionProcess();
  try {
    return await child.compact(folder, { signal });
  } finally {
    await child.close();
  }
}

const failed = (folder: string, why: string) =>
  new StoreError({
    code: 'METALAB_COMPACTION',
    where: runsFolder(folder),
    what: `the runs could not be compacted: ${why}`,
    next: 'nothing is lost, results are read from the segments; try `metalab store compact`',
  });
