import type { ExperimentDeclaration } from '../../definition/declaration.js';
import type { JsonObject, JsonValue } from '../../definition/json.js';
import type { RunRecord, RunStatus } from '../../definition/record.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { type DerivedLine, listDerived } from '../../storage/file/formats/derived.js';
import { listSegments, readObjects } from '../../storage/file/formats/segments.js';
import { DERIVATION, IMPORTED_FROM } from './declare-imported.js';

/** What the store has of a run that was imported before. */
export interface ImportedRun {
  readonly run_id: string;
  readonly generation: number;
  readonly replicate: number;
  readonly params_fingerprint: string;
  readonly status: RunStatus;
  readonly finishedText: string;
}

/** What the store has of an experiment, by earlier imports. */
export interface EarlierImport {
  /** The latest whose import has ended. */
  readonly declaration: ExperimentDeclaration | undefined;
  /** By the run_id that the Python metalab gave them. */
  readonly runs: Map<string, ImportedRun>;
  /** Of these runs, by fingerprint. */
  readonly params: Map<string, JsonObject>;
  /** Keys of executions that have derived metrics: {@link derivedKey}. */
  readonly derived: Set<string>;
}

export const derivedKey = (run_id: string, generation: number): string => `${run_id} ${generation}`;

/** Reads what earlier imports left, those that were killed included. */
export async function readEarlierImport(store: FileStore, experimentId: string): Promise<EarlierImport> {
  const folder = store.experimentFolder(experimentId);
  const sha = (await store.readManifest(experimentId))?.declaration;
  const declaration = sha === undefined ? undefined : await store.readDeclaration(experimentId, sha);
  const earlier = { declaration, runs: new Map(), params: new Map(), derived: new Set<string>() };
  for (const { path } of await listSegments(folder, 'records'))
    for await (const { object } of readObjects<RunRecord>(path, { matching: IMPORTED_FROM }))
      addRecord(earlier, object);
  for (const { path } of await listDerived(folder))
    for await (const { object } of readObjects<DerivedLine>(path, { matching: `"${DERIVATION}"` }))
      if (object.derivation === DERIVATION) earlier.derived.add(derivedKey(object.run_id, object.generation));
  return earlier;
}

function addRecord({ runs, params }: EarlierImport, record: RunRecord): void {
  const { imported_from, python_run_id: runId, python_finished_at: finished } = record.provenance;
  if (imported_from !== IMPORTED_FROM || typeof runId !== 'string') return;
  const { run_id, generation, replicate, params_fingerprint, status } = record;
  const known = runs.get(runId);
  if (known && known.generation > generation) return;
  const finishedText = textOf(finished);
  runs.set(runId, { run_id, generation, replicate, params_fingerprint, status, finishedText });
  if (!params.has(params_fingerprint)) params.set(params_fingerprint, record.params);
}

const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
