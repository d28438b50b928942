import { dirname, relative } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JsonObject } from '../../definition/json.js';
import type { RunStatus } from '../../definition/record.js';
import { paramsFingerprint } from '../../identity/fingerprint.js';
import type { BrokenFiles } from './broken-files.js';
import { listRecords, type PythonStore } from './find-python-stores.js';
import { legalExperimentId } from './python-ids.js';
import type { PythonObject } from './python-json.js';
import { readManifests } from './python-manifests.js';
import { readPythonRecord } from './python-record.js';

/** What planning needs of a record: its file is read again when it is imported. About 300 bytes. */
export interface SourceRun {
  readonly path: string;
  readonly store: PythonStore;
  readonly runId: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly finishedText: string;
  readonly seedFingerprint: string;
  readonly paramsFingerprint: string;
}

export interface SourceExperiment {
  /** The id that the Python metalab has for it. */
  readonly pythonId: string;
  readonly experimentId: string;
  /** By run_id. */
  readonly runs: Map<string, SourceRun>;
  /** Each once, by fingerprint. */
  readonly params: Map<string, JsonObject>;
  /** Oldest first. */
  readonly manifests: readonly PythonObject[];
}

/** How many files are read before others have their turn, such as the renewal of the store's lease. */
export const FILES_A_TURN = 64;

/** Reads all records once, to know the cells that they are. By the id of their experiment. */
export async function readSource(
  stores: readonly PythonStore[],
  broken: BrokenFiles,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (read: number) => void },
): Promise<Map<string, SourceExperiment>> {
  const experiments = new Map<string, SourceExperiment>();
  const manifests = readManifests(stores, broken);
  let read = 0;
  for (const store of stores) {
    for (const path of listRecords(store, broken)) {
      if (read++ % FILES_A_TURN === 0) {
        onProgress(read);
        await nextTurn();
        if (signal.aborted) return experiments;
      }
      try {
        addRun(experiments, manifests, path, store);
      } catch (error) {
        broken.add(path, error);
      }
    }
  }
  return experiments;
}

function addRun(
  experiments: Map<string, SourceExperiment>,
  manifests: ReadonlyMap<string, PythonObject[]>,
  path: string,
  store: PythonStore,
): void {
  const { experimentId: pythonId, ...run } = readPythonRecord(path, store);
  const fingerprint = paramsFingerprint(run.params);
  let experiment = experiments.get(pythonId);
  if (!experiment) {
    const id = legalExperimentId(pythonId);
    const ofStore = manifests.get(pythonId) ?? [];
    experiment = { pythonId, experimentId: id, runs: new Map(), params: new Map(), manifests: ofStore };
    experiments.set(pythonId, experiment);
  }
  const other = experiment.runs.get(run.runId);
  if (other) throw new Error(`has the same run_id as ${relative(dirname(path), other.path)}`);
  const { runId, status, startedAt, finishedText, seedFingerprint } = run;
  experiment.runs.set(runId, {
    path,
    store,
    runId,
    status,
    startedAt,
    finishedText,
    seedFingerprint,
    paramsFingerprint: fingerprint,
  });
  if (!experiment.params.has(fingerprint)) experiment.params.set(fingerprint, run.params);
}
