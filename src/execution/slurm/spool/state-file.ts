import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../../../definition/errors.js';
import { writeAtomically } from '../../../storage/file/atomic-write.js';
import { outcomeFile, submissionFolder } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import { readJson } from '../../../storage/file/read-json.js';
import type { Round } from '../array/rounds.js';

/** `submissions/{id}/slurm.json` in the store: what must outlive a worker and is not in the spool. */
export interface SlurmState {
  /** The spool with its arrays: where it is, and its store id. */
  readonly spool: { readonly place: string; readonly file_root: string; readonly id: string } | null;
  /** Job ids, by the array's token. */
  readonly jobs: { readonly [token: string]: string };
  /** Arrays that have ended, by their tokens. */
  readonly over: readonly string[];
  /** Whether the spool may have files of the submission: from before the first upload until its end is certain. */
  readonly open: boolean;
  /** When each node failed under tasks: milliseconds since 1970. */
  readonly node_failures: { readonly [node: string]: readonly number[] };
  /** A node had no suitable Node, although the gateway had one. */
  readonly node_missed: boolean;
  /** How often resources have grown. */
  readonly escalated: { readonly memory: number; readonly time: number };
  /** The current round of each batch, by the batch's token; without an entry, the first. */
  readonly rounds: { readonly [token: string]: Round };
}

const EMPTY: SlurmState = {
  spool: null,
  jobs: {},
  over: [],
  open: false,
  node_failures: {},
  node_missed: false,
  escalated: { memory: 0, time: 0 },
  rounds: {},
};

/** A submission's state. Changes are made one after another, and each is written before the next. */
export class StateFile {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: string, submission: string) {
    this.#path = slurmStateFile(folder, submission);
  }

  /** What a missing or damaged file contained is found again: the spool knows which arrays were submitted. */
  async read(): Promise<SlurmState> {
    const found = await readJson<Partial<SlurmState>>(this.#path).catch((error: unknown) => {
      if (error instanceof StoreError && error.code === 'METALAB_STORE_CORRUPT') return undefined;
      throw error;
    });
    return { ...EMPTY, ...found };
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

/**
 * The id of the spool that has arrays of an experiment's unfinished submissions; undefined if there are none, and so
 * nothing to miss.
 *
 * @param folder the experiment's folder in the store
 */
export async function knownSpool(
  folder: string,
  { place, file_root }: { readonly place: string; readonly file_root: string },
): Promise<string | undefined> {
  for (const submission of await listNames(submissionFolder(folder, ''))) {
    if (existsSync(outcomeFile(folder, submission))) continue;
    const { spool } = await new StateFile(folder, submission).read();
    if (spool?.place === place && spool.file_root === file_root) return spool.id;
  }
  return undefined;
}

const FAILURES_TO_EXCLUDE = 2;
/** When a node failed, and when the task began that noticed it. Milliseconds since 1970. */
export interface NodeFailure {
  readonly node: string;
  readonly began: number;
  readonly at: number;
}

/** A task that began before a known failure was ended by that one: each failure counts once, whoever reports it. */
export function addFailures(
  { node_failures }: Pick<SlurmState, 'node_failures'>,
  failed: readonly NodeFailure[],
): SlurmState['node_failures'] {
  const failures = { ...node_failures };
  for (const { node, began, at } of failed) {
    const known = failures[node] ?? [];
    if (known.every((each) => began > each)) failures[node] = [...known, at];
  }
  return failures;
}

/** Nodes that have failed twice. */
export const excludedNodes = ({ node_failures }: Pick<SlurmState, 'node_failures'>): string[] =>
  Object.entries(node_failures)
    .filter(([, failures]) => failures.length >= FAILURES_TO_EXCLUDE)
    .map(([node]) => node)
    .sort();
