import type { ImportedExperiment } from '../client/import-python/import-experiment.js';
import { importPythonStore, type PythonImport } from '../client/import-python/import-python.js';
import type { CommandContext, CommonOptions } from './command.js';

const MAX_LISTED = 20;

/** `metalab store import --from-python`. @returns the exit code, if it is not 0 */
export async function runPythonImport(
  folder: string,
  { json }: CommonOptions,
  context: CommandContext,
): Promise<number | undefined> {
  const { store, ...imported } = await importPythonStore(folder, () => context.store({ create: true }), {
    signal: context.interrupted,
    onProgress(what, done, total) {
      context.live.progress(() => `${what}: ${done}${total === undefined ? '' : ` of ${total}`} records`);
    },
  }).finally(() => context.live.clear());
  if (json) context.out(JSON.stringify({ store: store.uri, ...imported }));
  else print(imported, context);
  if (context.interrupted.aborted) {
    context.note('interrupted: the same command goes on');
    return 130;
  }
  return imported.experiments.length === 0 && imported.broken.length > 0 ? 1 : undefined;
}

function print({ experiments, broken, missing_artifacts }: PythonImport, context: CommandContext): void {
  for (const experiment of experiments) {
    context.out(`${experiment.experiment_id}: ${countsOf(experiment)}`);
    const { experiment_id, python_experiment_id: pythonId } = experiment;
    if (experiment_id !== pythonId)
      context.note(`${experiment_id} was ${JSON.stringify(pythonId)}, which is no legal id here`);
  }
  if (experiments.length === 0) context.note('no records were found');
  list(
    broken.map(({ path, why }) => `not imported: ${path}: ${why}`),
    context,
  );
  list(
    missing_artifacts.map(
      ({ python_run_id, name, why }) => `no artifact '${name}' of ${python_run_id}: ${why}`,
    ),
    context,
  );
}

function countsOf({ known, ...counts }: ImportedExperiment): string {
  const { records, artifacts, logs, series, data, derived } = counts;
  const all = [
    [records, 'record'],
    [artifacts, 'artifact'],
    [logs, 'log'],
    [series, 'curve'],
    [data, 'data entry', 'data entries'],
    [derived, 'set of derived metrics', 'sets of derived metrics'],
  ] as const;
  const parts = all.flatMap(([n, one, many = `${one}s`]) => (n > 0 ? [`${n} ${n === 1 ? one : many}`] : []));
  const imported = parts.length === 0 ? 'nothing new' : `${parts.join(', ')} imported`;
  return known > 0 ? `${imported}; ${known} ${known === 1 ? 'run was' : 'runs were'} there` : imported;
}

function list(lines: readonly string[], { note, color }: CommandContext): void {
  for (const line of lines.slice(0, MAX_LISTED)) note(color.yellow(line));
  if (lines.length > MAX_LISTED) note(`… and ${lines.length - MAX_LISTED} more (--json lists all)`);
}
