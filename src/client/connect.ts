import type { Client } from '@temporalio/client';
import { CANCEL_UPDATE } from '../contract/workflow.js';
import { MetalabError } from '../definition/errors.js';
import type { Experiment } from '../definition/experiment.js';
import { nearestName } from '../definition/nearest.js';
import { connectTemporal, type TemporalConnection } from '../engine/connect.js';
import { loadRequestKey, type RequestKey } from '../engine/request-key.js';
import { keepSshVariables } from '../engine/ssh-environment.js';
import type { FileStore } from '../storage/file/file-store.js';
import { refuseUntrusted } from '../storage/file/refuse-strangers.js';
import { engineKey, type LeaseHolder } from '../storage/lease.js';
import type { SubmissionManifest } from '../storage/manifest.js';
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
import { removeAbandoned } from './status/abandoned.js';
import { Feed } from './status/feed.js';
import { lastSubmission } from './status/last-submission.js';
import { SharedReadings } from './status/shared-readings.js';
import {
  checkFailureLimit,
  checkSlots,
  environmentOf,
  openExisting,
  openForSubmit,
  type StoreChoice,
  slotsOf,
} from './store-choice.js';
import { describeReplaced, findReplaced, notReplaced } from './submit/replaced-declaration.js';
import { requester } from './submit/requester.js';
import {
  markEnqueued,
  removeSubmission,
  requireVariables,
  writeRequest,
  writeSubmission,
} from './submit/submission.js';
import { environmentOfSubmission } from './submit/submitted-environment.js';
import { EngineUpkeep } from './workflow/engine-upkeep.js';
import { isNotRunning, sendControl, type WorkflowUpdate } from './workflow/workflow-control.js';
import { enqueue, makeClient } from './workflow/workflow-link.js';

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
    this.#engine = new EngineUpkeep(connection, key.taskQueue, options);
    this.#link = {
      client,
      key,
      feed: new Feed(client, (query) => this.#untilAnswered(query)),
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
    requireVariables(declared.declaration);
    const environment = await environmentOf(options);
    const slots = checkSlots(options.slots ?? slotsOf(environment));
    const [store] = await Promise.all([
      openForSubmit({ ...options, executor: environment }),
      this.#engine.ensureWorker(),
    ]);
    const max_failures = checkFailureLimit(options.maxFailures) ?? declared.declaration.max_failures;
    await this.#tellReplaced(store, declared, options);
    const { keepFailed = false, fresh = false, artifacts = false } = options;
    const choices = {
      slots,
      keep_failed: keepFailed,
      fresh,
      ...(artifacts && { artifacts }),
      ...(max_failures !== undefined && { max_failures }),
    };
    const holder = await this.#takeLease(store, options.takeOver);
    const request = { engine: engineKey(holder), environment, options: choices };
    if ('gateway' in environment) keepSshVariables();
    return this.#enqueue(store, await writeSubmission(store, declared, request, this.#key.key), holder);
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

  /** @throws MetalabError METALAB_NOT_REPLACED if the caller declines */
  async #tellReplaced(store: FileStore, declared: Declared, { onReplace }: SubmitOptions): Promise<void> {
    const replaced = await findReplaced(store, declared);
    if (!replaced) return;
    if (!onReplace) this.#options.say?.(`warning: ${describeReplaced(replaced)}`);
    else if (!(await onReplace(replaced))) throw notReplaced(replaced);
  }

  async #retry(experimentId: string, store: FileStore, options: RetryOptions): Promise<RunHandle> {
    const [{ placeOfRetry, resolveRetry }] = await Promise.all([
      import('./submit/retry.js'),
      this.#engine.ensureWorker(),
    ]);
    const { environment, slots } = await placeOfRetry(store, experimentId, options);
    const { declaration, sha, git, options: choices } = await resolveRetry(store, experimentId, options);
    requireVariables(declaration);
    const holder = await this.#takeLease(store);
    const request = { engine: engineKey(holder), environment, git, options: { ...choices, slots } };
    if ('gateway' in environment) keepSshVariables();
    const manifest = await writeRequest(store, declaration, sha, request, this.#key.key);
    return this.#enqueue(store, manifest, holder);
  }

  async #enqueue(store: FileStore, manifest: SubmissionManifest, holder: LeaseHolder): Promise<RunHandle> {
    const { experiment_id, declaration, options } = manifest;
    // A retry may have thousands of runs: their list is in the store, not in Temporal's payloads.
    const told = options.only ? { ...options, only: { ...options.only, runs: [] } } : options;
    const request = { submission: manifest.submission, declaration, options: told };
    const { submission, joined } = await enqueue(
      this.#client,
      { store, experiment_id },
      request,
      this.#key,
      this.#connection.searchAttributes,
    ).catch(async (error: unknown) => {
      // A submission that failed to enqueue leaves nothing behind, above all no values of environment variables.
      await removeSubmission(store, manifest);
      await store.lease.release(holder);
      throw error;
    });
    if (joined) await removeSubmission(store, manifest);
    else await markEnqueued(store, manifest);
    // It is enqueued: an error while cleaning up after others must not fail it.
    await removeAbandoned(this.#link.feed, store, experiment_id).catch(() => {});
    return this.#handleOf({ store, experiment_id, submission, joined });
  }

  async #handleOf(place: Omit<HandledSubmission, 'environment'>): Promise<RunHandle> {
    const { store, experiment_id, submission } = place;
    const environment = await environmentOfSubmission(store, experiment_id, submission);
    return makeHandle(this.#link, { ...place, environment });
  }

  /** The workers that carry out the submission renew the lease. */
  async #takeLease(store: FileStore, takeOver = false): Promise<LeaseHolder> {
    const holder = { ...(await this.#engine.identify()), worker: null };
    await store.lease.take(holder, { takeOver, wait: true });
    return holder;
  }
}
