import { join } from 'node:path';
import { writeAtomically } from '../../storage/file/atomic-write.js';
import { submissionFolder } from '../../storage/file/layout.js';
import { readJson } from '../../storage/file/read-json.js';

/** `submissions/{id}/slurm.json` in the store: what must outlive a worker, and is not in the spool. */
export interface SlurmState {
  /** The spool that has its arrays: where it is, and its store id. */
  readonly spool: { readonly place: string; readonly file_root: string; readonly id: string } | null;
  /** Job ids, by the array's token. */
  readonly jobs: { readonly [token: string]: string };
  /** How many arrays of an order came to nothing by a fault of the place, by the order's token: the next is another one. */
  readonly faulted: { readonly [token: string]: number };
  /** Arrays that have ended, by their tokens. */
  readonly over: readonly string[];
  /** The spool has something of it, from before the first upload on until that was made sure to have ended. */
  readonly open: boolean;
  /** The array that finds out how long runs take. */
  readonly pilot: string | null;
  /** Durations were to be found out and could not be, or not soon. */
  readonly piloted: boolean;
  /** What a run of the pilot took on average while it still ran: arrays that follow it know no other. */
  readonly mean_ms: number | null;
  /** How often each node failed under a task. */
  readonly node_failures: { readonly [node: string]: number };
  /** How often resources have grown. */
  readonly escalated: { readonly memory: number; readonly time: number };
}

const EMPTY: SlurmState = {
  spool: null,
  jobs: {},
  faulted: {},
  over: [],
  open: false,
  pilot: null,
  piloted: false,
  mean_ms: null,
  node_failures: {},
  escalated: { memory: 0, time: 0 },
};

/** A submission's state: changes are made one after another, each written before the next. */
export class StateFile {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: string, submission: string) {
    this.#path = slurmStateFile(folder, submission);
  }

  async read(): Promise<SlurmState> {
    return { ...EMPTY, ...(await readJson<Partial<SlurmState>>(this.#path)) };
  }

  /** @returns the changed state */
  change(change: (state: SlurmState) => Partial<SlurmState>): Promise<SlurmState> {
    const changed = this.#last.then(async () => {
      const before = await this.read();
      const after = { ...before, ...change(before) };
      const text = JSON.stringify(after);
      if (text !== JSON.stringify(before)) await writeAtomically(this.#path, `${text}\n`);
      return after;
    });
    this.#last = changed.catch(() => {});
    return changed;
  }
}

export const slurmStateFile = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'slurm.json');

const FAILURES_TO_EXCLUDE = 2;

/** Nodes that have failed twice. */
export const excludedNodes = ({ node_failures }: SlurmState): string[] =>
  Object.entries(node_failures)
    .filter(([, failures]) => failures >= FAILURES_TO_EXCLUDE)
    .map(([node]) => node)
    .sort();
