import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { SettleInput, SettleResult } from '../../contract/activities.js';
import { countCells } from '../../definition/declaration.js';
import { paramSourceFromSpec } from '../../definition/params/from-spec.js';
import type { BatchRemains } from '../../execution/batch-executor.js';
import { decidePlan } from '../../planning/decide.js';
import { makeOutcome } from '../../planning/outcome.js';
import { type Tally, tallyPlan } from '../../planning/tally.js';
import type { FileStore } from '../../storage/file/file-store.js';
import {
  allCells,
  type PlanEntries,
  readEntries,
  verifyEntries,
} from '../../storage/file/formats/plan-entries.js';
import { environmentFile, liveFolder, submissionFolder } from '../../storage/file/layout.js';
import type { PlanManifest, SubmissionOutcome } from '../../storage/manifest.js';
import type { ActivityDependencies } from '../dependencies.js';
import { brokenSubmission, mapFailures } from '../failures.js';
import { keepBeating } from '../heartbeat.js';
import { endBatches, formatRemains } from './end-batches.js';
import { tidyKilled } from './tidy.js';

export function createSettle(dependencies: ActivityDependencies) {
  const { openStore, scopes, compactor } = dependencies;
  return (input: SettleInput): Promise<SettleResult> =>
    mapFailures(() =>
      keepBeating(async () => {
        const store = await openStore(input.store).catch(ignoreIfAbandoned(input));
        // Given up, and its store is gone: there is nothing to report to.
        if (!store) return { outcome: null, missing: [], recorded: 0 };
        const { experiment_id, submission } = input;
        const folder = store.experimentFolder(experiment_id);
        const plan = await store.readPlan(experiment_id, submission).catch(ignoreIfAbandoned(input));
        if (!plan && !input.abandon)
          throw brokenSubmission(input, 'its plan is not in the store: submit again');
        // What its batches record until they have ended counts, too.
        const remains = input.abandon && (await endBatches(dependencies, store, input));
        const total = plan?.total ?? (await countCellsOf(store, input));
        const entries = plan && (await readVerified(folder, plan).catch(ignoreIfAbandoned(input)));
        // Without its plan, what it has recorded still counts.
        const tally = await tallyPlan(folder, submission, entries ?? allCells(total));
        if (tally.missing.length > 0 && !input.abandon)
          return { outcome: null, missing: tally.missing, recorded: tally.recorded };

        if (!input.abandon) await endBatches(dependencies, store, input);
        // If it recorded something, its plan is lost, and with it the list of what it reused.
        const unplanned =
          plan || tally.recorded > 0
            ? undefined
            : await countReused(store, input).catch(ignoreIfAbandoned(input));
        const reused = plan?.reused ?? unplanned ?? NONE;
        const outcome = formatOutcome(input, reused, total, tally, remains);
        await scopes.settle(store, input, async () => {
          await rm(environmentFile(folder, submission), { force: true });
          await rm(liveFolder(folder, submission), { recursive: true, force: true, maxRetries: 5 });
          await tidyKilled(store, folder, submission);
        });
        // This worker may have been taken for dead meanwhile: an outcome is written once.
        const settled = await store.readOutcome(experiment_id, submission);
        if (settled) return { outcome: settled, missing: [], recorded: tally.recorded };
        // Last, so that whoever waits for the outcome finds everything tidied. Not if somebody has removed the
        // submission.
        const isKept = existsSync(submissionFolder(folder, submission));
        if (isKept) await compactor.compact(folder);
        if (isKept) await store.writeOutcome(outcome);
        return { outcome, missing: [], recorded: tally.recorded };
      }),
    );
}

async function readVerified(folder: string, plan: PlanManifest): Promise<PlanEntries> {
  await verifyEntries(folder, plan);
  return readEntries(folder, plan);
}

/** A submission may be given up because its plan is damaged. */
const ignoreIfAbandoned =
  ({ abandon }: SettleInput) =>
  (error: unknown): undefined => {
    if (!abandon) throw error;
  };

/** For a submission that ended before it was planned: all its cells are missing. */
async function countCellsOf(store: FileStore, { experiment_id, submission }: SettleInput): Promise<number> {
  const manifest = await store.readSubmission(experiment_id, submission).catch(() => undefined);
  if (!manifest) return 0;
  const declaration = await store.readDeclaration(experiment_id, manifest.declaration).catch(() => undefined);
  if (!declaration) return (await store.readManifest(experiment_id))?.totals.cells ?? 0;
  return countCells(paramSourceFromSpec(declaration.params).length, declaration.seeds);
}

const NONE: PlanManifest['reused'] = { success: 0, failed: 0, cancelled: 0 };

/** For a submission that ended before it was planned: what it would have reused is in the store all the same. */
async function countReused(
  store: FileStore,
  { experiment_id, submission }: SettleInput,
): Promise<PlanManifest['reused'] | undefined> {
  const manifest = await store.readSubmission(experiment_id, submission);
  const declaration = manifest && (await store.readDeclaration(experiment_id, manifest.declaration));
  if (!declaration) return undefined;
  const folder = store.experimentFolder(experiment_id);
  const plan = await decidePlan(folder, declaration, manifest.declaration, manifest.options);
  return plan.manifest.reused;
}

function formatOutcome(
  { experiment_id, submission, started_at, digest, abandon }: SettleInput,
  reused: PlanManifest['reused'],
  total: number,
  tally: Tally,
  remains: BatchRemains | null,
): SubmissionOutcome {
  // By the server's clock, like `started_at`: this machine's may differ, or be adjusted meanwhile.
  const finished = new Date(Context.current().info.currentAttemptScheduledTimestampMs);
  const state: SubmissionOutcome['state'] = abandon?.state ?? 'completed';
  const reason =
    abandon && remains ? `${abandon.reason}; ${formatRemains(remains)}` : (abandon?.reason ?? null);
  const how = { experiment_id, submission, state, reason, started_at, finished_at: finished.toISOString() };
  return { ...makeOutcome(how, reused, total, tally), ...(digest && { digest }) };
}
