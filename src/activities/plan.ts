import { mkdir } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { PlanInput, PlanResult } from '../contract/activities.js';
import { WHILE_PLANNING } from '../contract/workflow.js';
import type { RunRecord } from '../definition/record.js';
import { writePlan } from '../planning/write-plan.js';
import { liveFolder } from '../storage/file/layout.js';
import type { ActivityDependencies } from './dependencies.js';
import { brokenSubmission, mapFailures, noExecutor } from './failures.js';
import { keepBeating } from './heartbeat.js';
import { endEarlierBatches } from './settle/end-batches.js';
import { tidyAbandoned } from './settle/tidy.js';
import { StopSignal } from './stop-signal.js';
import { SubmissionFiles } from './submission/submission-files.js';

export function createPlan(dependencies: ActivityDependencies) {
  const { compactor, openStore, executors, worker, workflows, leases, offers, signatures } = dependencies;
  const files = new SubmissionFiles(signatures);
  return (input: PlanInput): Promise<PlanResult> =>
    mapFailures(() => {
      const signal = new StopSignal(Context.current(), dependencies);
      return keepBeating(() => plan(input, signal)).finally(() => signal.close());
    });

  async function plan(input: PlanInput, signal: StopSignal): Promise<PlanResult> {
    const store = await openStore(input.store);
    const { experiment_id, submission, declaration: sha, options } = input;
    const manifest = await files.manifest(store, input);
    // Its request was sent again, by whomever: all of its runs would be executed once more.
    if (await store.readOutcome(experiment_id, submission))
      throw brokenSubmission(input, 'it has ended already: submit again');
    const folder = store.experimentFolder(experiment_id);
    const { workflowId } = Context.current().info.workflowExecution!;
    const batches = await executors.batches(manifest.environment).catch(noExecutor);
    const ask = {
      signal,
      onWaits: (waits: string | null) =>
        void workflows.tell(workflowId, { submission, from: WHILE_PLANNING, waits }),
    };
    const { environment } = manifest;
    if (input.queued) await endEarlierBatches(dependencies, store, input, input.queued, environment, ask);
    // Runs that the cluster has recorded and the store lacks must not be done again.
    const artifactsOf = manifest.options.artifacts ? await reusable() : undefined;
    await batches?.collect({ folder, experiment_id, ...(artifactsOf && { artifactsOf }) }, ask);
    worker.provide(submission, options.slots);
    if (input.queued) await tidyAbandoned(store, input, input.queued, leases.engine);
    // A second attempt finds the plan of the first, if that got so far: chunks may have begun from it.
    const planned = (await store.readPlan(experiment_id, submission)) ?? (await decide());
    // Cancelled meanwhile: it may have its outcome already.
    Context.current().cancellationSignal.throwIfAborted();
    compactor.prepare(planned.total);
    await mkdir(liveFolder(folder, submission), { recursive: true });
    offers.planned(submission, workflowId);
    const dealing = batches && (await batches.dealing(await sizing(), ask));
    const { total, positions, new: fresh, retried, reused, stale } = planned;
    return {
      total,
      positions,
      new: fresh,
      retried,
      reused,
      stale,
      worker: worker.id,
      slots: worker.slots(),
      ...(dealing && { dealing }),
    };

    async function sizing() {
      const { resources } = await files.declaration(store, input);
      return { folder, submission, slots: options.slots, ...(resources && { resources }) };
    }

    async function declared() {
      const declaration = await store.readDeclaration(experiment_id, sha);
      if (declaration) return declaration;
      throw brokenSubmission(input, `its declaration ${sha} is not in the store: submit again`);
    }

    /** Records of the same code and context: runs that may be reused. */
    async function reusable() {
      const { context_fingerprint: context, operation } = await declared();
      return (record: RunRecord) =>
        record.context_fingerprint === context && record.code_fingerprint === operation.code_fingerprint;
    }

    async function decide() {
      // The list of runs that a retry names is only in the store.
      return writePlan(folder, submission, await declared(), sha, options.only ? manifest.options : options);
    }
  }
}
