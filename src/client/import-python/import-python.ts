import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import { DefinitionError, type Problem, UsageError } from '../../definition/errors.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { storeFile } from '../../storage/file/layout.js';
import { bringUpToDate } from '../store/bring-up-to-date.js';
import { type BrokenFile, BrokenFiles } from './broken-files.js';
import { IMPORTED_FROM, pythonIdOf } from './declare-imported.js';
import { findPythonStores, type PythonStore } from './find-python-stores.js';
import { type ImportedExperiment, importExperiment } from './import-experiment.js';
import type { MissingArtifact } from './import-run.js';
import { PythonLogs } from './python-logs.js';
import { readSource, type SourceExperiment } from './read-source.js';

export interface PythonImport {
  /** The folder that was imported. */
  readonly source: string;
  readonly experiments: readonly ImportedExperiment[];
  readonly broken: readonly BrokenFile[];
  readonly missing_artifacts: readonly MissingArtifact[];
}

export interface PythonImportOptions {
  readonly signal: AbortSignal;
  /** @param what what it is about, such as an experiment's id */
  readonly onProgress: (what: string, done: number, total?: number) => void;
}

/**
 * Imports a store of the Python metalab: all experiments in a folder and below it. What the store has already is left as
 * it is, so an import that was interrupted, or whose source has grown, is done again by the same call.
 *
 * @throws UsageError where there is nothing to import; DefinitionError with every experiment that can't be imported;
 * StoreError METALAB_STORE_HELD while an engine uses the store
 */
export async function importPythonStore(
  folder: string,
  openStore: () => Promise<FileStore>,
  { signal, onProgress }: PythonImportOptions,
): Promise<PythonImport & { readonly store: FileStore }> {
  const source = resolve(folder);
  const broken = new BrokenFiles(source);
  await requireFolder(source);
  const { stores, sharded } = findPythonStores(source, broken);
  if (stores.length === 0) throw notImportable(source, sharded);
  for (const path of sharded) broken.add(path, SHARDED);
  const store = await openStore();
  const experiments: ImportedExperiment[] = [];
  const missing: MissingArtifact[] = [];
  await store.lease.during('metalab store import', async () => {
    const found = await readSource(stores, broken, {
      signal,
      onProgress: (read) => onProgress('reading', read),
    });
    const sources = signal.aborted ? [] : [...found.values()];
    await refuseConflicts(store, sources);
    const logsOf = logReader(sources, broken);
    for (const each of sources) {
      if (signal.aborted) break;
      const report = (done: number, total: number) => onProgress(each.experimentId, done, total);
      const dependencies = { source, signal, broken, missing, logsOf, onProgress: report };
      const imported = await importExperiment(store, each, dependencies);
      experiments.push(imported);
      if (!signal.aborted && imported.records + imported.derived > 0)
        await bringUpToDate(store, imported.experiment_id, { compact: true, rebuild: false, signal });
    }
  });
  return { store, source, experiments, broken: broken.list(), missing_artifacts: missing };
}

/** The logs of each store are listed once, where something of it is imported. */
function logReader(
  sources: readonly SourceExperiment[],
  broken: BrokenFiles,
): (store: PythonStore) => PythonLogs {
  let runIds: ReadonlySet<string> | undefined;
  const logs = new Map<PythonStore, PythonLogs>();
  return (store) => {
    runIds ??= new Set(sources.flatMap(({ runs }) => [...runs.keys()]));
    const known = logs.get(store) ?? new PythonLogs(store, runIds, broken);
    logs.set(store, known);
    return known;
  };
}

async function requireFolder(source: string): Promise<void> {
  const entry = await stat(source).catch(() => undefined);
  if (entry?.isDirectory()) return;
  throw new UsageError({
    code: 'METALAB_IMPORT',
    where: source,
    what: entry ? 'is a file, not a folder' : 'there is no such folder',
    expected: EXPECTED,
  });
}

const EXPECTED =
  'the folder of a store of the Python metalab: with EXPERIMENT/runs/RUN_ID.json, or runs/RUN_ID.json, in it';

const SHARDED = 'has its records in shards (layout 3 or 4 of the Python metalab), which can not be imported';

function notImportable(source: string, sharded: readonly string[]): UsageError | DefinitionError {
  if (sharded.length === 0)
    return new UsageError({
      code: 'METALAB_IMPORT',
      where: source,
      what: existsSync(storeFile(source))
        ? 'is a store of this metalab already'
        : 'is no store of the Python metalab: no folder in it, down to the third level, has runs/ with records',
      expected: EXPECTED,
      next: 'name the folder that was given to the Python metalab as store',
    });
  const problems: Problem[] = sharded.map((where) => ({
    where,
    what: SHARDED,
    expected: 'a JSON file for each record, in runs/',
    next: 'with Python, write each record that list_run_records() gives to runs/RUN_ID.json, and import that',
  }));
  return new DefinitionError(problems, 'METALAB_IMPORT');
}

/** @throws DefinitionError with all of them */
async function refuseConflicts(store: FileStore, sources: readonly SourceExperiment[]): Promise<void> {
  const problems: Problem[] = [];
  const pythonIds = new Map<string, string>();
  for (const { experimentId, pythonId } of sources) {
    const other = pythonIds.get(experimentId) ?? (await conflictIn(store, experimentId, pythonId));
    if (other !== undefined)
      problems.push({
        where: pythonId,
        what: `its id here, ${experimentId}, is taken by ${other}`,
        next: 'import it into another store, with --store',
      });
    pythonIds.set(experimentId, `${JSON.stringify(pythonId)} of the same import`);
  }
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_IMPORT');
}

/** @returns what the store has under the id, where that is something else */
async function conflictIn(
  store: FileStore,
  experimentId: string,
  pythonId: string,
): Promise<string | undefined> {
  for (const declared of await declaredBefore(store, experimentId)) {
    if (declared?.imported_from !== IMPORTED_FROM) return 'an experiment that was submitted to this store';
    const known = pythonIdOf(declared);
    if (known !== pythonId) return `${JSON.stringify(known)}, imported before`;
  }
  return undefined;
}

/** Without a manifest, there may be an import that was killed. Undefined: a declaration that is lost. */
async function declaredBefore(
  store: FileStore,
  experimentId: string,
): Promise<(Pick<ExperimentDeclaration, 'imported_from' | 'metadata'> | undefined)[]> {
  const manifest = await store.readManifest(experimentId);
  if (manifest) return [manifest];
  const submissions = await store.submissions(experimentId);
  return Promise.all(
    submissions.map(async (submission) => {
      const sha = (await store.readSubmission(experimentId, submission))?.declaration;
      return sha === undefined ? undefined : store.readDeclaration(experimentId, sha);
    }),
  );
}
