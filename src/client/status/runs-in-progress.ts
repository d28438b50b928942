import type { FileStore } from '../../storage/file/file-store.js';
import { makeRunDescriber, type StartedRun } from './started-runs.js';
import type { SweepStatus } from './sweep-status.js';

export interface RunInProgress extends StartedRun {
  /** Its position in the plan. */
  readonly position: number;
  /** 0 to 1, if its operation reports it. */
  readonly progress: number | null;
}

/**
 * The runs of a submission that have been running for over a second, earliest start first.
 *
 * @throws StoreError if the plan can't be read
 */
export async function runsInProgress(
  store: FileStore,
  { experiment_id, submission, long_running }: SweepStatus,
): Promise<RunInProgress[]> {
  const plan = long_running.length > 0 ? await store.readPlan(experiment_id, submission) : undefined;
  if (!plan) return [];
  const describe = makeRunDescriber(store, plan);
  const runs = long_running
    .filter(({ position }) => position < plan.positions)
    .map(async (run) => ({ ...run, ...(await describe(run)) }));
  return (await Promise.all(runs)).sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
}
