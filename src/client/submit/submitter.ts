import type { Client } from '@temporalio/client';
import type { TemporalConnection } from '../../engine/connect.js';
import type { RequestKey } from '../../engine/request-key.js';
import { keepSshVariables } from '../../engine/worker/ssh-environment.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { engineKey, type LeaseHolder } from '../../storage/lease.js';
import type { SubmissionManifest } from '../../storage/manifest.js';
import type { Declared } from '../declare/declare.js';
import type { HandledSubmission } from '../handle.js';
import type { LabOptions, SubmitOptions } from '../lab.js';
import type { RetryOptions } from '../run-handle.js';
import { removeAbandoned } from '../status/abandoned.js';
import type { Feed } from '../status/feed.js';
import { checkFailureLimit, checkSlots, environmentOf, openForSubmit, slotsOf } from '../store-choice.js';
import type { EngineUpkeep } from '../workflow/engine-upkeep.js';
import { enqueue } from '../workflow/workflow-link.js';
import { describeReplaced, findReplaced, notReplaced } from './replaced-declaration.js';
import {
  markEnqueued,
  removeSubmission,
  requireVariables,
  writeRequest,
  writeSubmission,
} from './submission.js';

export interface SubmitterDependencies {
  readonly connection: Pick<TemporalConnection, 'searchAttributes'>;
  readonly client: Client;
  readonly key: RequestKey;
  readonly engine: EngineUpkeep;
  readonly feed: Feed;
  readonly say: LabOptions['say'];
}

/** A submission in the queue of its experiment's workflow. */
type Enqueued = Omit<HandledSubmission, 'environment'>;

/** Puts submissions into the queues of their workflows: with a worker, the store's lease, and their files in the store. */
export class Submitter {
  readonly #dependencies: SubmitterDependencies;

  constructor(dependencies: SubmitterDependencies) {
    this.#dependencies = dependencies;
  }

  async submit(declared: Declared, options: SubmitOptions): Promise<Enqueued> {
    const { engine, key } = this.#dependencies;
    requireVariables(declared.declaration);
    const environment = await environmentOf(options);
    const slots = checkSlots(options.slots ?? slotsOf(environment));
    const [store] = await Promise.all([
      openForSubmit({ ...options, executor: environment }),
      engine.ensureWorker(),
    ]);
    const max_failures = checkFailureLimit(options.maxFailures) ?? declared.declaration.max_failures;
    await this.#reportReplaced(store, declared, options);
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
    options.onEnqueue?.();
    return this.#enqueue(store, await writeSubmission(store, declared, request, key.key), holder);
  }

  async retry(experimentId: string, store: FileStore, options: RetryOptions): Promise<Enqueued> {
    const { engine, key } = this.#dependencies;
    const [{ placeOfRetry, resolveRetry }] = await Promise.all([import('./retry.js'), engine.ensureWorker()]);
    const { environment, slots } = await placeOfRetry(store, experimentId, options);
    const { declaration, sha, git, options: choices } = await resolveRetry(store, experimentId, options);
    requireVariables(declaration);
    const holder = await this.#takeLease(store);
    const request = { engine: engineKey(holder), environment, git, options: { ...choices, slots } };
    if ('gateway' in environment) keepSshVariables();
    options.onEnqueue?.();
    const manifest = await writeRequest(store, declaration, sha, request, key.key);
    return this.#enqueue(store, manifest, holder);
  }

  /** @throws MetalabError METALAB_NOT_REPLACED if the caller declines */
  async #reportReplaced(store: FileStore, declared: Declared, { onReplace }: SubmitOptions): Promise<void> {
    const replaced = await findReplaced(store, declared);
    if (!replaced) return;
    if (!onReplace) this.#dependencies.say?.(`warning: ${describeReplaced(replaced)}`);
    else if (!(await onReplace(replaced))) throw notReplaced(replaced);
  }

  async #enqueue(store: FileStore, manifest: SubmissionManifest, holder: LeaseHolder): Promise<Enqueued> {
    const { client, key, connection, feed } = this.#dependencies;
    const { experiment_id, declaration, options } = manifest;
    // A retry may have thousands of runs: their list is in the store, not in Temporal's payloads.
    const told = options.only ? { ...options, only: { ...options.only, runs: [] } } : options;
    const request = { submission: manifest.submission, declaration, options: told };
    const place = { store, experiment_id };
    const { submission, joined } = await enqueue(
      client,
      place,
      request,
      key,
      connection.searchAttributes,
    ).catch(async (error: unknown) => {
      // A submission that failed to enqueue leaves nothing behind, above all no values of environment variables.
      await removeSubmission(store, manifest);
      await store.lease.release(holder);
      throw error;
    });
    if (joined) await removeSubmission(store, manifest);
    else await markEnqueued(store, manifest);
    // It is enqueued: an error while cleaning up after others must not fail it.
    await removeAbandoned(feed, store, experiment_id).catch(() => {});
    return { ...place, submission, joined };
  }

  /** The workers that carry out the submission renew the lease. */
  async #takeLease(store: FileStore, takeOver = false): Promise<LeaseHolder> {
    const holder = { ...(await this.#dependencies.engine.identify()), worker: null };
    await store.lease.take(holder, { takeOver, wait: true });
    return holder;
  }
}
