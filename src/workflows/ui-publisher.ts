import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { ExperimentInput, SubmissionStatus } from '../contract/workflow.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';
import { SEARCH_ATTRIBUTES } from '../definition/search-attributes.js';
import type { Control } from './control.js';
import type { SubmissionState } from './submission-state.js';

/**
 * Every update of the search attributes is an event in the history: within one phase, this is the shortest time between
 * two.
 */
const EVERY_MS = 5_000;

/** What the Temporal UI shows of a sweep: current details with a table, and search attributes to find it by. */
export class UiPublisher {
  readonly #input: ExperimentInput;
  readonly #state: SubmissionState;
  readonly #control: Pick<Control, 'queue' | 'pause'>;
  #phase = '';
  #shownAt = 0;

  constructor(input: ExperimentInput, state: SubmissionState, control: Pick<Control, 'queue' | 'pause'>) {
    this.#input = input;
    this.#state = state;
    this.#control = control;
  }

  /** @param outcome the outcome's state, once there is one */
  show(outcome?: string): void {
    const status = this.#state.status(this.#control.pause);
    const phase = outcome ?? status.phase;
    const now = Date.now();
    if (phase === this.#phase && now - this.#shownAt < EVERY_MS) return;
    this.#phase = phase;
    this.#shownAt = now;
    setCurrentDetails(
      describeSweep(this.#input.experiment_id, phase, status, this.#control.queue.requests.length),
    );
    if (!this.#input.search_attributes) return;
    const { total, reused, success, failed, cancelled } = status;
    upsertSearchAttributes({
      [SEARCH_ATTRIBUTES.experiment]: [this.#input.experiment_id],
      [SEARCH_ATTRIBUTES.status]: [phase],
      [SEARCH_ATTRIBUTES.total]: [total],
      [SEARCH_ATTRIBUTES.done]: [reused + success + failed + cancelled],
      [SEARCH_ATTRIBUTES.failed]: [failed],
    });
  }
}

/** Markdown for the Temporal UI's "current details": the sweep's progress, as a table. */
function describeSweep(
  experimentId: string,
  phase: string,
  { reason, total, reused, success, failed, cancelled, running, means, digest }: SubmissionStatus,
  queued: number,
): string {
  const pending = Math.max(0, total - reused - success - failed - cancelled - running);
  const lines = [
    `**${experimentId}**: ${phase}${reason ? ` (${reason})` : ''}`,
    '',
    '| total | reused | success | failed | cancelled | running | pending |',
    '|---:|---:|---:|---:|---:|---:|---:|',
    `| ${total} | ${reused} | ${success} | ${failed} | ${cancelled} | ${running} | ${pending} |`,
    ...describeMeans(means),
    ...describeDigest(digest, failed),
  ];
  if (queued > 0) lines.push('', `${queued} more submission${queued > 1 ? 's' : ''} queued`);
  return lines.join('\n');
}

function describeDigest({ best, error }: RunDigest = {}, failed: number): string[] {
  return [
    ...(best ? ['', `best: ${best.value} (${best.direction}), cell ${best.index}`] : []),
    ...(error && error.message !== null && failed > 1 ? ['', `all failures: ${error.message}`] : []),
  ];
}

function describeMeans(means: RunningMeans): string[] {
  const rows = Object.entries(means).map(([metric, { n, mean, m2 }]) => {
    const std = n > 1 ? Math.sqrt(m2 / (n - 1)) : 0;
    return `| ${metric} | ${Number(mean.toPrecision(6))} | ${Number(std.toPrecision(3))} | ${n} |`;
  });
  return rows.length > 0 ? ['', '| metric | mean | std | n |', '|---|---:|---:|---:|', ...rows] : [];
}
