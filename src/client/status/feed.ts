import type { Client } from '@temporalio/client';
import { type WorkflowStatus, workflowIdOf } from '../../contract/workflow.js';
import { SharedReadings } from '../../definition/shared-readings.js';
import type { SubmissionOutcome } from '../../storage/manifest.js';
import { queryStatus } from '../workflow/workflow-link.js';
import { type SweepStatus, sweepStatus } from './sweep-status.js';
import type { SubmissionPlace } from './watched-files.js';

/**
 * The status of sweeps, for all watchers that use one client. However many there are, one query of a workflow is in
 * progress at a time, and the watcher with the shortest interval decides how often. Events: see `events.ts`.
 */
export class Feed {
  readonly #client: Client;
  readonly #untilAnswered: <T>(call: () => Promise<T>) => Promise<T>;
  readonly #answers = new SharedReadings<WorkflowStatus | undefined>();
  readonly #statuses = new SharedReadings<SweepStatus>();

  /** @param untilAnswered makes every query: the client's connection must not be closed before it is answered */
  constructor(
    client: Client,
    untilAnswered: <T>(query: () => Promise<T>) => Promise<T> = (query) => query(),
  ) {
    this.#client = client;
    this.#untilAnswered = untilAnswered;
  }

  /** What an experiment's workflow answers: see {@link queryStatus}. */
  answer(workflowId: string, maxAgeMs: number): Promise<WorkflowStatus | undefined> {
    return this.#answers.get(workflowId, maxAgeMs, async () =>
      this.#untilAnswered(() => queryStatus(this.#client, workflowId)),
    );
  }

  /** @param maxAgeMs how old it may be; 0: read after this call */
  status(place: SubmissionPlace, maxAgeMs: number): Promise<SweepStatus> {
    const { store, experiment_id } = place;
    return this.#statuses.get(keyOf(place), maxAgeMs, async () => {
      const isOver = await store.readOutcome(experiment_id, place.submission);
      const answer = isOver ? undefined : await this.answer(workflowIdOf(store.id, experiment_id), maxAgeMs);
      return sweepStatus(store, place, answer);
    });
  }
}

const outcomes = new SharedReadings<SubmissionOutcome | undefined>();

/** A submission's outcome. All watchers in this process share the readings. */
export const readOutcome = (place: SubmissionPlace, maxAgeMs: number) =>
  outcomes.get(keyOf(place), maxAgeMs, () => place.store.readOutcome(place.experiment_id, place.submission));

const keyOf = ({ store, experiment_id, submission }: SubmissionPlace) =>
  `${store.uri} ${experiment_id} ${submission}`;
