import type { Client } from '@temporalio/client';
import { CANCEL_UPDATE } from '../contract/workflow.js';
import { MetalabError } from '../definition/errors.js';
import type { Experiment } from '../definition/experiment.js';
import { nearestName } from '../definition/nearest.js';
import { SharedReadings } from '../definition/shared-readings.js';
import { connectTemporal, type TemporalConnection } from '../engine/connect.js';
import { loadRequestKey, type RequestKey } from '../engine/request-key.js';
import type { FileStore } from '../storage/file/file-store.js';
import { refuseUntrusted } from '../storage/file/refuse-strangers.js';
import {
  ANYTHING,
  checkExperiment,
  checkExperimentId,
  checkOptions,
  closedError,
} from './check-arguments.js';
import { cancelUnattended } from './cluster/cancel-unattended.js';
import type { Declared } from './declare/declare.js';
import { CONTROL_OPTIONS, type HandledSubmission, type Link, makeHandle, RETRY_OPTIONS } from './handle.js';
import {
  type CancelOptions,
  LAB_OPTIONS,
  type Lab,
  type LabOptions,
  STORE_CHOICE,
  SUBMIT_OPTIONS,
  type SubmitOptions,
} from './lab.js';
import type { RetryOptions, RunHandle } from './run-handle.js';
import { Feed } from './status/feed.js';
import { lastSubmission } from './status/last-submission.js';
import { environmentOf, openExisting, type StoreChoice } from './store-choice.js';
import { requester } from './submit/requester.js';
import { environmentOfSubmission } from './submit/submitted-environment.js';
import { Submitter } from './submit/submitter.js';
import { EngineUpkeep } from './workflow/engine-upkeep.js';
import { isNotRunning, sendControl, type WorkflowUpdate } from './workflow/workflow-control.js';
import { makeClient } from './workflow/workflow-link.js';

/**
 * Connects to the Temporal server that the environment names, or else to the local one, which is started where it does
 * not run.
 *
 * @throws InfrastructureError if there is none and none can be started
 */
export async function connect(options: LabOptions = {}): Promise<Lab> {
  checkOptions('connect', options, LAB_OPTIONS);
  const temporal = await connectTemporal(options);
  try {
    const key = await loadRequestKey(temporal);
    return new ConnectedLab(temporal, await makeClient(temporal), key, options);
  } catch (error) {
    await temporal.connection.close();
    throw error;
  }
}

/** Preloads the modules that `connect` needs, while the caller waits for other things. */
export async function preload(): Promise<{ readonly connect: typeof connect }> {
  await import('@temporalio/client');
  return { connect };
}

class ConnectedLab implements Lab {
  readonly temporal: Lab['temporal'];
  readonly #connection: TemporalConnection;
  readonly #client: Client;
  readonly #key: RequestKey;
  readonly #options: LabOptions;
  readonly #engine: EngineUpkeep;
  readonly #submitter: Submitter;
  readonly #upkeep = new SharedReadings<void>();
  readonly #link: Link;
  #closed = false;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(connection: TemporalConnection, client: Client, key: RequestKey, options: LabOptions) {
    const { address, namespace, uiAddress } = connection;
    this.temporal = { address, namespace, uiAddress };
    this.#connection = connection;
    this.#client = client;
    this.#key = key;
    this.#options = options;
    const engine = new EngineUpkeep(connection, key.taskQueue, options);
    const feed = new Feed(client, (query) => this.#untilAnswered(query));
    this.#engine = engine;
    this.#submitter = new Submitter({ connection, client, key, engine, feed, say: options.say });
    this.#link = {
      client,
      key,
      feed,
      keepUp: (maxAgeMs = 0) => this.#upkeep.get('', maxAgeMs, () => this.#engine.keepUp()),
      assertOpen: (method) => this.#assertOpen(method),
      retry: (experimentId, store, retry) => this.#retry(experimentId, store, retry),
    };
  }

  async submit<Params>(
    experiment: Experiment<Params>,
    options: SubmitOptions = {},
  ): Promise<RunHandle<Params>> {
    this.#assertOpen('submit');
    checkExperiment('submit', experiment);
    checkOptions('submit', options, SUBMIT_OPTIONS);
    const environment = await environmentOf(options);
    // These modules, with the bundler, take 0.1 s to load; the command line declares in a separate process.
    const [{ declareExperiment }, { locateInProcess }, { ClusterHasher }] = await Promise.all([
      import('./declare/declare.js'),
      import('./declare/locate-in-process.js'),
      import('./cluster/cluster-hasher.js'),
    ]);
    const { file, locate } = locateInProcess(experiment);
    const cluster = new ClusterHasher(async () => environment, { say: this.#options.say });
    try {
      const declared = await declareExperiment(experiment, file, locate, cluster);
      for (const warning of declared.warnings) this.#options.say?.(`warning: ${warning}`);
      return (await this.submitDeclared(declared, {
        ...options,
        executor: environment,
      })) as RunHandle<Params>;
    } finally {
      await cluster.close();
    }
  }

  async submitDeclared(declared: Declared, options: SubmitOptions = {}): Promise<RunHandle> {
    this.#assertOpen('submitDeclared');
    return this.#handleOf(await this.#submitter.submit(declared, options));
  }

  async attach<Params>(experimentId: string, options: StoreChoice = {}): Promise<RunHandle<Params>> {
    this.#assertOpen('attach');
    checkExperimentId('attach', experimentId);
    checkOptions('attach', options, STORE_CHOICE);
    const store = await openExisting(options);
    const submission = await lastSubmission(store, experimentId);
    if (!submission) {
      const known = await store.experiments();
      const near = nearestName(experimentId, known);
      throw new MetalabError({
        code: 'METALAB_NO_SUBMISSION',
        where: store.uri,
        what: `there is no submission of ${experimentId}`,
        expected: `one of ${known.join(', ') || 'nothing: the store is empty'}`,
        ...(near === undefined ? {} : { next: `did you mean ${near}?` }),
      });
    }
    const place = { store, experiment_id: experimentId, submission, joined: true };
    return (await this.#handleOf(place)) as RunHandle<Params>;
  }

  async cancel(experimentId: string, options: StoreChoice & CancelOptions = {}): Promise<RunHandle[]> {
    this.#assertOpen('cancel');
    checkExperimentId('cancel', experimentId);
    checkOptions('cancel', options, { ...STORE_CHOICE, ...CONTROL_OPTIONS, prompter: ANYTHING });
    const { reason = `cancelled by ${requester()}`, prompter, ...choice } = options;
    const store = await openExisting(choice);
    await this.#engine.keepUp();
    const place = { store, experiment_id: experimentId };
    const update: WorkflowUpdate = { update: CANCEL_UPDATE, request: { submission: null, reason } };
    const sent = sendControl(this.#client, place, update, this.#key);
    const { submissions } = await sent.catch(async (error: unknown) => {
      if (!isNotRunning(error)) throw error;
      const cancelled = await cancelUnattended(store, experimentId, {
        reason,
        say: this.#options.say,
        prompter,
      });
      if (cancelled.length === 0) throw error;
      return { submissions: cancelled };
    });
    return Promise.all(
      submissions.map((submission) => this.#handleOf({ ...place, submission, joined: false })),
    );
  }

  async retry(experimentId: string, options: StoreChoice & RetryOptions = {}): Promise<RunHandle> {
    this.#assertOpen('retry');
    checkExperimentId('retry', experimentId);
    checkOptions('retry', options, { ...STORE_CHOICE, ...RETRY_OPTIONS });
    const store = await openExisting(options);
    refuseUntrusted(store.root);
    return this.#retry(experimentId, store, options);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#calls);
    await this.#connection.connection.close();
  }

  #assertOpen(method: string): void {
    if (this.#closed) throw closedError(method);
  }

  /** Closing the connection waits for this: a call cut off would be retried by a timer, which would then throw. */
  #untilAnswered<T>(call: () => Promise<T>): Promise<T> {
    this.#assertOpen('status');
    const answer = call();
    this.#calls.add(answer);
    const forget = () => void this.#calls.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  async #retry(experimentId: string, store: FileStore, options: RetryOptions): Promise<RunHandle> {
    return this.#handleOf(await this.#submitter.retry(experimentId, store, options));
  }

  async #handleOf(place: Omit<HandledSubmission, 'environment'>): Promise<RunHandle> {
    const { store, experiment_id, submission } = place;
    const environment = await environmentOfSubmission(store, experiment_id, submission);
    return makeHandle(this.#link, { ...place, environment });
  }
}
