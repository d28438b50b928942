import type { RunStatus } from '../definition/record.js';
import { scanFinalHeads } from '../storage/file/scan.js';
import { hasExperimentManifests, hasWorkingDirectory, type Store } from '../storage/store.js';
import { isCurrent } from './final-records.js';
import { currentOf } from './results.js';

/** What a list of experiments says of one. */
export interface ExperimentSummary {
  readonly experiment_id: string;
  readonly description: string | null;
  /** Cells of the latest declaration. */
  readonly cells: number | null;
  /** Runs of the latest code and context, by the status of their final record. */
  readonly runs: { readonly [status in RunStatus]: number };
  /** Runs of older code or context. */
  readonly older: number;
  readonly submissions: number;
  readonly last_submitted_at: string | null;
}

/** Every experiment of the store, the one submitted last first. */
export async function summarizeExperiments(store: Store): Promise<ExperimentSummary[]> {
  const summaries: ExperimentSummary[] = [];
  for (const experimentId of await store.experiments()) summaries.push(await summarize(store, experimentId));
  const when = ({ last_submitted_at }: ExperimentSummary) => last_submitted_at ?? '';
  return summaries.sort((a, b) => (when(a) === when(b) ? 0 : when(a) > when(b) ? -1 : 1));
}

async function summarize(store: Store, experimentId: string): Promise<ExperimentSummary> {
  const manifest = hasExperimentManifests(store) ? await store.readManifest(experimentId) : undefined;
  const submissions = hasExperimentManifests(store) ? await store.submissions(experimentId) : [];
  const current = await currentOf(store, experimentId);
  const runs = { success: 0, failed: 0, cancelled: 0 };
  let older = 0;
  if (hasWorkingDirectory(store)) {
    for (const head of (await scanFinalHeads(store.experimentFolder(experimentId))).values()) {
      if (current && !isCurrent(head, current)) older++;
      else runs[head.status]++;
    }
  }
  return {
    experiment_id: experimentId,
    description: manifest?.description ?? null,
    cells: manifest?.totals.cells ?? null,
    runs,
    older,
    submissions: submissions.length,
    last_submitted_at: manifest?.submitted_at ?? null,
  };
}
