import type { JsonObject } from '../../definition/json.js';
import type { Objective } from '../../definition/objective.js';
import type { BestRun, RunDigest } from '../../definition/run-digest.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { type DescribeCell, describeCells } from './started-runs.js';

export interface ShownBest extends Objective {
  readonly value: number;
  readonly run_id: string;
  readonly params: JsonObject;
  readonly replicate: number;
}

/** What a submission optimises, and its best run so far. */
export interface ObjectiveStatus {
  /** Null if the experiment has no objective. */
  readonly objective: Objective | null;
  /** Among the runs that this submission executed; null before there is one. */
  readonly best: ShownBest | null;
}

/** The error that all executed runs of a sweep share. */
export interface SameError {
  /** The first line of one of them. */
  readonly message: string;
  readonly runs: number;
}

/** A single failed run is not enough. */
const MIN_RUNS = 2;

/** @param runs of this submission, by status: cancelled runs are ignored */
export function sameErrorOf(
  digest: RunDigest | undefined,
  { success, failed }: { readonly success: number; readonly failed: number },
): SameError | null {
  const { message = null, count = 0 } = digest?.error ?? {};
  if (message === null || success > 0 || failed < MIN_RUNS || count < failed) return null;
  return { message, runs: failed };
}

/** @param sha of the submission's declaration; undefined before it is known */
export async function objectiveStatus(
  store: FileStore,
  experimentId: string,
  sha: string | undefined,
  digest: RunDigest | undefined,
): Promise<ObjectiveStatus> {
  const known = sha === undefined ? null : await objectiveOf(store, experimentId, sha);
  if (!known) return { objective: null, best: null };
  const { objective, describe } = known;
  return { objective, best: digest?.best ? showBest(digest.best, objective, describe) : null };
}

function showBest({ value, index }: BestRun, objective: Objective, describe: DescribeCell): ShownBest {
  const { run_id, params, replicate } = describe(index);
  return { ...objective, value, run_id, params, replicate };
}

type Known = { readonly objective: Objective; readonly describe: DescribeCell } | null;

/** Cached by store and declaration, which never changes: progress asks five times a second. */
const known = new Map<string, Promise<Known>>();

function objectiveOf(store: FileStore, experimentId: string, sha: string): Promise<Known> {
  const key = `${store.id}/${sha}`;
  let found = known.get(key);
  if (!found) {
    found = read(store, experimentId, sha);
    found.catch(() => known.delete(key));
    known.set(key, found);
  }
  return found;
}

async function read(store: FileStore, experimentId: string, sha: string): Promise<Known> {
  const declaration = await store.readDeclaration(experimentId, sha);
  if (!declaration?.objective) return null;
  return { objective: declaration.objective, describe: describeCells(declaration) };
}
