import type { SlurmEnvironment } from '../../config/resolved-config.js';
import { segmentsFolder, submissionFolder } from '../../storage/file/layout.js';
import type { Transport } from '../../transport/transport.js';
import {
  type BatchExecutor,
  type BatchSignal,
  NO_PROGRESS,
  type SubmissionPlace,
} from '../batch-executor.js';
import { ArrayMonitor } from './array/array-monitor.js';
import { shareCluster } from './cluster.js';
import { ClusterRetry, type ClusterRetryOptions } from './cluster-retry.js';
import { ArtifactCollector } from './collect/artifact-collector.js';
import { collectOnce } from './collect/collector.js';
import { SegmentCopies } from './collect/segment-copies.js';
import { SubmissionCollector } from './collect/submission-collector.js';
import { endArrays, remainsOf } from './end/end-arrays.js';
import { Spool, type TaskPrograms } from './spool/spool.js';
import { knownSpool, StateFile } from './spool/state-file.js';
import { batchLimits } from './submit/array-size.js';
import { provideNode } from './submit/node-program.js';
import { prepareArray } from './submit/prepare-array.js';
import { taskResources } from './submit/resources.js';

/** If the cluster does not answer, a cancelled batch is left to `end`, which runs later and retries for longer. */
const CANCELLED_WITHIN_MS = 10_000;

export interface SlurmExecutorOptions {
  readonly environment: SlurmEnvironment;
  /** The transport to the cluster; the executor does not close it. */
  readonly transport: Transport;
  readonly programs: TaskPrograms;
  /** metalab's version. */
  readonly version: string;
  /** Where Nodes for clusters are kept on this machine. */
  readonly cache: string;
}

/** Executes batches as arrays of a Slurm cluster. */
export function createSlurmExecutor(options: SlurmExecutorOptions): BatchExecutor {
  const { environment, transport, programs, version, cache } = options;
  const { cluster, release: releaseCluster } = shareCluster(transport);
  const collectors = new Map<string, SubmissionCollector>();
  const states = new Map<string, StateFile>();
  const stops = new Set<(how: 'yield' | 'cancel') => void>();
  // Results are kept, but not pending promises: the call that made them may be asked to stop.
  let spool: Spool | undefined;
  let node: string | null | undefined;
  let missed = false;

  const openSpool = async (retry: ClusterRetry, known?: string) => {
    if (known !== undefined && spool?.id !== known) spool = undefined;
    spool ??= await Spool.open(transport, environment.file_root, retry, known);
    return spool;
  };
  const placeNow = () => ({ place: transport.place, file_root: environment.file_root });
  const stateOf = (folder: string, submission: string) => {
    const key = `${folder}/${submission}`;
    const state = states.get(key) ?? new StateFile(folder, submission);
    states.set(key, state);
    return state;
  };
  const collectorOf = ({ folder, experiment_id, submission }: SubmissionPlace, there: Spool) => {
    const key = `${folder}/${submission}`;
    const place = { root: there.root, id: there.id, folder: there.experimentFolder(experiment_id) };
    const collector = collectors.get(key) ?? new SubmissionCollector(transport, folder, place, submission);
    collectors.set(key, collector);
    return collector;
  };

  /** Retries for one call, which end also when the executor is closed. */
  const withRetry = async <T>(
    ask: ClusterRetryOptions,
    work: (retry: ClusterRetry) => Promise<T>,
  ): Promise<T> => {
    const signal: BatchSignal = {
      onStop: (listener) => {
        stops.add(listener);
        const forget = ask.signal?.onStop(listener);
        return () => {
          stops.delete(listener);
          forget?.();
        };
      },
    };
    const retry = new ClusterRetry(transport, { ...ask, signal });
    try {
      return await work(retry);
    } finally {
      retry.close();
    }
  };

  return {
    collect: (order, ask = {}) =>
      withRetry(ask, async (retry) => {
        const there = await openSpool(retry, await knownSpool(order.folder, placeNow()));
        const copies = new SegmentCopies(segmentsFolder(order.folder));
        const folder = there.experimentFolder(order.experiment_id);
        const where = { root: there.root, id: there.id, folder, segments: 'segments' };
        await retry.until(() => collectOnce(transport, where, copies, []));
        await copies.sync();
        const { artifactsOf: wanted } = order;
        if (wanted)
          await new ArtifactCollector(transport, { folder: order.folder, there: folder }, { wanted }).collect(
            retry,
          );
      }),
    dealing: (order, ask = {}) =>
      withRetry(ask, async (retry) => {
        const { executor } = environment;
        const limits = await cluster.limits({ ...executor, ...order.resources }, retry);
        const state = await stateOf(order.folder, order.submission).read();
        const request = { slots: order.slots, memory_bytes: null };
        const resources = taskResources(executor, order.resources, request, limits, state);
        return batchLimits({ limits, config: executor, resources, mean_ms: null });
      }),
    execute: (order, batch) => {
      const ask: ClusterRetryOptions = {
        cancelled_within_ms: CANCELLED_WITHIN_MS,
        signal: batch.signal,
        onWaits: (waits, stuck) => (life ? life.tell() : tellWaits(waits, stuck)),
      };
      const tellWaits = (waits: string | null, stuck: boolean) =>
        batch.onProgress({ ...NO_PROGRESS, waits, stuck });
      let life: ArrayMonitor | undefined;
      return withRetry(ask, async (retry) => {
        const { folder, experiment_id, submission } = order;
        const state = stateOf(folder, submission);
        const there = await openSpool(retry, (await state.read()).spool?.id);
        await state.change(({ spool }) => ({ spool: spool ?? { ...placeNow(), id: there.id } }));
        const collector = collectorOf(order, there);
        const config = environment.executor;
        const places = { folder, there: there.experimentFolder(experiment_id) };
        const artifacts = order.artifacts
          ? new ArtifactCollector(transport, places, { submission })
          : undefined;
        for (;;) {
          missed ||= (await state.read()).node_missed;
          if (node === undefined || (node === null && missed))
            node = await provideNode(transport, there, { config, cache, missed }, retry);
          const around = {
            environment,
            cluster,
            spool: there,
            programs,
            collector,
            state,
            retry,
            version,
          };
          const array = await prepareArray(order, { ...around, node });
          life = new ArrayMonitor(array, batch, retry, artifacts);
          retry.check();
          const report = await life.run();
          if (report !== 'again') return report;
        }
      });
    },
    end: async (place, ask = {}) => {
      const { folder, experiment_id, submission } = place;
      const state = stateOf(folder, submission);
      if (!(await state.read()).open) return null;
      const ending = withRetry(ask, async (retry) => {
        const there = await openSpool(retry);
        const collector = collectorOf(place, there);
        const spool = submissionFolder(there.experimentFolder(experiment_id), submission);
        await endArrays({ spool, queue: cluster.queue, collector, state }, retry);
        return null;
      });
      return ending.catch((error: unknown) => remainsOf(error, state));
    },
    release: async (submission) => {
      for (const key of [...collectors.keys()])
        if (key.endsWith(`/${submission}`)) {
          collectors.delete(key);
          states.delete(key);
        }
    },
    close: async () => {
      for (const stop of stops) stop('yield');
      releaseCluster();
    },
  };
}
