import { mkdir } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import { writePlan } from '../planning/write-plan.js';
import { liveFolder } from '../storage/file/layout.js';
import type { SubmissionOptions } from '../storage/manifest.js';
import type { SweepStore } from '../storage/sweep-store.js';
import type { PlanInput, PlanResult } from './contract.js';
import type { ActivityDependencies } from './dependencies.js';
import { atTheEdge, brokenSubmission } from './failures.js';
import { keepBeating } from './heartbeat.js';
import { tidyAbandoned } from './tidy-abandoned.js';

export function createPlan({ openStore, worker, leases, offers }: ActivityDependencies) {
  return (input: PlanInput): Promise<PlanResult> =>
    atTheEdge(() =>
      keepBeating(async () => {
        const store = await openStore(input.store);
        const { experiment_id, submission, declaration: sha, options } = input;
        if (!(await store.readSubmission(experiment_id, submission)))
          throw brokenSubmission(input, 'it is no longer in the store: submit again');
        worker.provide(submission, options.slots);
        if (input.queued) await tidyAbandoned(store, input, input.queued, leases.engine);
        // A second try finds the plan of the first, if it got so far: chunks may have begun by it.
        const plan = (await store.readPlan(experiment_id, submission)) ?? (await decide());
        // Cancelled meanwhile: it may have its outcome already.
        Context.current().cancellationSignal.throwIfAborted();
        await mkdir(liveFolder(store.experimentFolder(experiment_id), submission), { recursive: true });
        offers.planned(submission, Context.current().info.workflowExecution!.workflowId);
        const { total, positions, new: fresh, retried, reused, stale } = plan;
        return {
          total,
          positions,
          new: fresh,
          retried,
          reused,
          stale,
          worker: worker.id,
          slots: worker.slots(),
        };

        async function decide() {
          const declaration = await store.readDeclaration(experiment_id, sha);
          if (!declaration)
            throw brokenSubmission(input, `its declaration ${sha} is not in the store: submit again`);
          const folder = store.experimentFolder(experiment_id);
          return writePlan(folder, submission, declaration, sha, await fullOptions(store, input));
        }
      }),
    );
}

/** The runs that a retry names are in the store only. */
async function fullOptions(store: SweepStore, input: PlanInput): Promise<SubmissionOptions> {
  if (!input.options.only) return input.options;
  const manifest = await store.readSubmission(input.experiment_id, input.submission);
  if (manifest) return manifest.options;
  throw brokenSubmission(
    input,
    'its submission.json, which names its runs, is not in the store: retry again',
  );
}
