import type { Client, WorkflowHandle } from '@temporalio/client';
import { EXPERIMENT_WORKFLOW, type SubmissionStatus, type WorkflowStatus } from '../../contract/workflow.js';
import { MetalabError } from '../../definition/errors.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { openWorkingDirectory } from '../../storage/registry.js';
import { unreachable } from '../workflow/ask-workflow.js';
import { Feed } from './feed.js';
import { type SweepStatus, sweepStatus } from './sweep-status.js';

/** A sweep that a workflow of the server runs. */
export interface RunningSweep
  extends Omit<SweepStatus, 'means' | 'long_running' | 'lost_workers' | 'objective' | 'best' | 'same_error'> {
  /** The store's uri. */
  readonly store: string;
}

const DESCRIBED_WITHIN_MS = 5_000;

/** All sweeps running on a Temporal server, of any store. Stores are opened once: create it once and read it often. */
export class RunningSweeps {
  readonly #client: Client;
  readonly #feed: Feed;
  readonly #stores = new Map<string, Promise<FileStore>>();

  constructor(client: Client, feed = new Feed(client)) {
    this.#client = client;
    this.#feed = feed;
  }

  /**
   * By experiment and store. Workflows without an answering worker are reported as `waiting`.
   *
   * @param maxAgeMs how old a workflow's answer may be; 0: asked for after this call
   * @throws InfrastructureError if the server does not answer; reading again later may succeed
   */
  async read(maxAgeMs = 0): Promise<RunningSweep[]> {
    const query = `WorkflowType = '${EXPERIMENT_WORKFLOW}' AND ExecutionStatus = 'Running'`;
    const asked: Promise<RunningSweep | undefined>[] = [];
    try {
      for await (const { workflowId, runId } of this.#client.workflow.list({ query })) {
        const sweep = this.#readOne(workflowId, runId, maxAgeMs);
        // Thrown below, once all are listed.
        sweep.catch(() => {});
        asked.push(sweep);
      }
    } catch (error) {
      await Promise.allSettled(asked);
      throw unreachable(error);
    }
    const sweeps = (await Promise.all(asked)).filter((sweep) => sweep !== undefined);
    const key = ({ experiment_id, store }: RunningSweep) => `${experiment_id} ${store}`;
    return sweeps.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  async #readOne(workflowId: string, runId: string, maxAgeMs: number): Promise<RunningSweep | undefined> {
    let status: WorkflowStatus | undefined;
    try {
      status = await this.#feed.answer(workflowId, maxAgeMs);
    } catch {
      const handle = this.#client.workflow.getHandle(workflowId, runId);
      return (await this.#isRunning(handle)) ? silent(workflowId) : undefined;
    }
    if (!status?.current) return undefined;
    const { store: uri, experiment_id, current } = status;
    const place = { experiment_id, submission: current.submission };
    // A store on another machine may be unreachable here, or damaged: then the workflow's own counts are used.
    const known = await this.#open(uri)
      .then((store) => sweepStatus(store, place, status))
      .catch((error: unknown) => {
        if (error instanceof MetalabError) return ofWorkflow(current);
        throw error;
      });
    const { submission, state, reason, pause, total, reused, success, failed } = known;
    const { cancelled, running, pending, batches } = known;
    const counts = { total, reused, success, failed, cancelled, running, pending, batches };
    const queued = status.queued.length;
    return { experiment_id, submission, state, reason, pause, ...counts, store: uri, queued };
  }

  async #isRunning(handle: WorkflowHandle): Promise<boolean> {
    try {
      const description = await this.#client.withDeadline(Date.now() + DESCRIBED_WITHIN_MS, () =>
        handle.describe(),
      );
      return description.status.name === 'RUNNING';
    } catch (error) {
      const { WorkflowNotFoundError } = await import('@temporalio/client');
      if (error instanceof WorkflowNotFoundError) return false;
      throw unreachable(error);
    }
  }

  #open(uri: string): Promise<FileStore> {
    const store = this.#stores.get(uri) ?? openWorkingDirectory(uri);
    this.#stores.set(uri, store);
    return store;
  }
}

function ofWorkflow({ phase, pause = null, ...current }: SubmissionStatus) {
  const { total, reused, success, failed, cancelled, running } = current;
  const pending = Math.max(0, total - reused - success - failed - cancelled - running);
  // The workflow does not count reused runs by status: they are successes, except with --keep-failed.
  return { ...current, state: phase, pause, success: success + reused, pending, batches: [] };
}

/** Its id is `metalab/{store id}/{experiment id}`. */
const silent = (workflowId: string): RunningSweep => ({
  experiment_id: workflowId.split('/').at(-1) ?? workflowId,
  submission: '',
  state: 'waiting',
  reason: 'no worker answers for it',
  pause: null,
  ...{ total: 0, reused: 0, success: 0, failed: 0, cancelled: 0, running: 0, pending: 0, batches: [] },
  store: '',
  queued: 0,
});
