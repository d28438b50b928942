import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { ResolvedEnvironment } from '../config/resolved-config.js';
import { CANCEL_UPDATE, PAUSE_UPDATE, RESUME_UPDATE, workflowIdOf } from '../contract/workflow.js';
import type { Duration } from '../definition/duration.js';
import { InfrastructureError, MetalabError } from '../definition/errors.js';
import type { RequestKey } from '../engine/request-key.js';
import type { FileStore } from '../storage/file/file-store.js';
import {
  ANYTHING,
  checkDuration,
  checkOptions,
  EXECUTOR,
  FAILURE_LIMIT,
  FLAG,
  LISTENER,
  type OptionKinds,
  RUN_IDS,
  SIGNAL,
  TEXT,
} from './check-arguments.js';
import { cancelUnattended } from './cluster/cancel-unattended.js';
import type { ControlOptions, RetryOptions, RunHandle } from './run-handle.js';
import { followEvents, type SweepEvent } from './status/events.js';
import { type Feed, readOutcome } from './status/feed.js';
import { type Looks, lookInterval } from './status/look-interval.js';
import type { SubmissionPlace } from './status/watched-files.js';
import { requester } from './submit/requester.js';
import { isNotRunning, sendControl, type WorkflowUpdate } from './workflow/workflow-control.js';
import { wasTerminated } from './workflow/workflow-link.js';

export const CONTROL_OPTIONS: OptionKinds<ControlOptions> = { reason: TEXT };
export const RETRY_OPTIONS: OptionKinds<RetryOptions> = {
  failed: FLAG,
  runs: RUN_IDS,
  executor: EXECUTOR,
  maxFailures: FAILURE_LIMIT,
  onEnqueue: LISTENER,
};
const STATUS_OPTIONS: OptionKinds<NonNullable<Parameters<RunHandle['status']>[0]>> = { maxAge: ANYTHING };
const WAIT_OPTIONS: OptionKinds<NonNullable<Parameters<RunHandle['result']>[0]>> = {
  timeout: ANYTHING,
  signal: SIGNAL,
};

/** How often a followed submission's outcome is checked: one file is opened. Its end is noticed 2 % later at most. */
const LOOKS: Looks = { share: 0.02, minMs: 15, maxMs: 250 };
/** How often the workflow is asked whether it still runs the submission. */
const ASK_EVERY_MS = 3_000;
const MAX_FAILED_STARTS = 4;

/** The submission that a handle is for. */
export interface HandledSubmission extends SubmissionPlace {
  readonly joined: boolean;
  readonly environment: ResolvedEnvironment;
}

/** What a handle needs of its lab. */
export interface Link {
  readonly client: Client;
  readonly key: RequestKey;
  readonly feed: Feed;
  /**
   * Restarts the local server or worker if dead. Takes about a millisecond if neither is.
   *
   * @param maxAgeMs how long ago another call may have done so
   */
  keepUp(maxAgeMs?: number): Promise<void>;
  /** @throws MetalabError METALAB_CLOSED if the lab was closed */
  assertOpen(method: string): void;
  retry(experimentId: string, store: FileStore, options: RetryOptions): Promise<RunHandle>;
}

export function makeHandle(link: Link, place: HandledSubmission): RunHandle {
  const { store, experiment_id, submission, joined, environment } = place;
  /** A server or worker that does not answer now says nothing about the sweep. */
  const isInterrupted = async () => {
    try {
      return (await link.feed.status(place, ASK_EVERY_MS)).state === 'interrupted';
    } catch (error) {
      link.assertOpen('outcome');
      if (error instanceof InfrastructureError) return false;
      throw error;
    }
  };
  const waitForOutcome: RunHandle['outcome'] = async (options = {}) => {
    checkOptions('outcome', options, WAIT_OPTIONS);
    const { timeout, signal } = options;
    const within = timeout === undefined ? Number.POSITIVE_INFINITY : checkDuration('timeout', timeout);
    const began = performance.now();
    const end = began + within;
    for (let asked = began, missed = 0, failed = 0; ; ) {
      const outcome = await readOutcome(place, LOOKS.minMs);
      if (outcome) return outcome;
      link.assertOpen('outcome');
      signal?.throwIfAborted();
      if (performance.now() > end) throw timedOut(place, timeout!);
      if (performance.now() - asked > ASK_EVERY_MS) {
        // A process killed while it starts fails too: only several failures in a row are this machine's fault.
        failed = await link.keepUp(ASK_EVERY_MS).then(
          () => 0,
          (error: unknown) => {
            link.assertOpen('outcome');
            if (!(error instanceof InfrastructureError) || failed + 1 >= MAX_FAILED_STARTS) throw error;
            return failed + 1;
          },
        );
        // Between two workflow runs there may be none for a moment: only three missing answers in a row count, and only
        // if its server is running: a server that can't be started says nothing about the sweep.
        missed = failed === 0 && (await isInterrupted()) ? missed + 1 : 0;
        if (missed >= 3)
          throw (await wasTerminated(link.client, place)) ? terminated(place) : interrupted(place);
        asked = performance.now();
      }
      await sleep(lookInterval(performance.now() - began, LOOKS), undefined, { signal });
    }
  };
  async function* events(): AsyncGenerator<SweepEvent, void> {
    const stop = new AbortController();
    const ended = waitForOutcome({ signal: stop.signal });
    ended.catch(() => {});
    try {
      yield* followEvents(place, ended);
    } finally {
      stop.abort();
    }
  }
  const ask = async (method: string, options: ControlOptions, update: WorkflowUpdate) => {
    link.assertOpen(method);
    checkOptions(method, options, CONTROL_OPTIONS);
    // An update is answered by a worker.
    await link.keepUp();
    await sendControl(link.client, place, update, link.key);
  };
  return {
    experimentId: experiment_id,
    submission,
    workflowId: workflowIdOf(store.id, experiment_id),
    store: store.uri,
    joined,
    environment,
    async status(options = {}) {
      checkOptions('status', options, STATUS_OPTIONS);
      const { maxAge } = options;
      return link.feed.status(place, maxAge === undefined ? 0 : checkDuration('maxAge', maxAge));
    },
    events,
    outcome: waitForOutcome,
    async result(options) {
      const ended = await waitForOutcome(options);
      const { resultsOfSubmission } = await import('../results/open.js');
      return resultsOfSubmission(store, experiment_id, ended);
    },
    cancel: (options = {}) =>
      ask('cancel', options, {
        update: CANCEL_UPDATE,
        request: { submission, reason: options?.reason ?? `cancelled by ${requester()}` },
      }).catch(async (error: unknown) => {
        if (!isNotRunning(error)) throw error;
        const reason = options?.reason ?? `cancelled by ${requester()}`;
        const cancelled = await cancelUnattended(store, experiment_id, { reason, submission });
        if (cancelled.length === 0) throw error;
      }),
    pause: (options = {}) =>
      ask('pause', options, {
        update: PAUSE_UPDATE,
        request: { reason: options?.reason ?? '', by: requester() },
      }),
    resume: () => ask('resume', {}, { update: RESUME_UPDATE, request: null }),
    async retry(options = {}) {
      link.assertOpen('retry');
      checkOptions('retry', options, RETRY_OPTIONS);
      return link.retry(experiment_id, store, options);
    },
  };
}

const timedOut = ({ experiment_id, submission }: HandledSubmission, timeout: Duration) =>
  new MetalabError({
    code: 'METALAB_TIMEOUT',
    where: `${experiment_id}, submission ${submission}`,
    what: `no outcome within ${typeof timeout === 'number' ? `${timeout} ms` : timeout}; its runs go on`,
    next: 'wait longer, or look at status()',
  });

const terminated = ({ experiment_id, submission }: HandledSubmission) =>
  new MetalabError({
    code: 'METALAB_TERMINATED',
    where: `${experiment_id}, submission ${submission}`,
    what: 'somebody terminated its workflow',
    next: 'submit again to continue: recorded runs are reused',
  });

const interrupted = ({ experiment_id, submission }: HandledSubmission) =>
  new InfrastructureError({
    code: 'METALAB_INTERRUPTED',
    where: `${experiment_id}, submission ${submission}`,
    what: 'no workflow is running it: its workflow was terminated, or its server lost it',
    next: 'submit again: what is recorded is reused',
  });
