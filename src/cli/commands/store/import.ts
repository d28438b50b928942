import { UsageError } from '../../../definition/errors.js';
import type { CommandDefinition } from '../../command.js';
import { SOME_EXPERIMENTS_OPTION, type TransferFlags } from '../../transfer-options.js';

interface ImportFlags extends TransferFlags {
  readonly fromPython?: string;
}

export const importCommand: CommandDefinition<ImportFlags> = {
  name: 'import',
  summary: 'import an exported file, or a store of the Python metalab',
  description: `Nothing in the store is removed: afterwards it has the runs of both, as after store copy. The file is unpacked in the store's folder
first, and verified: of one that is cut off or damaged nothing is imported. The store is made if there is none.

--from-python imports every experiment in a folder and below it: records, metrics, derived metrics, curves, data, logs and
artifacts, each run under a run_id of this metalab, with the Python one in its provenance. The folder is only read. Files
that can't be read are listed, and the rest is imported. Nothing in the store is changed: so the same command goes on
after an interruption, and adds what is new once the folder has grown.

Exit codes: 0 all is there that could be read; 1 some files differ, or nothing could be imported; 2 wrong usage; 3 the store
is in use; 130 interrupted.`,
  arguments: [{ name: 'file', description: 'what metalab store export wrote', optional: true }],
  options: [
    SOME_EXPERIMENTS_OPTION,
    {
      flags: '--from-python <dir>',
      description: 'a store of the Python metalab: its root, one experiment of it, or a folder above',
    },
  ],
  examples: [
    { line: 'store import experiments.tar.zst', does: 'all that it has' },
    { line: 'store import pi.tar.gz --store /data/experiments', does: 'into another store' },
    { line: 'store import --from-python ~/lab/runs', does: 'all experiments of the Python metalab there' },
    {
      line: 'store import --from-python ~/lab/runs --json | jq .broken',
      does: 'the files that could not be imported, and why',
    },
  ],
  store: true,
  json: true,
  async run({ file }, options, context) {
    if (options.fromPython !== undefined) {
      refuseWithPython(file, options);
      const { runPythonImport } = await import('../../run-python-import.js');
      return runPythonImport(options.fromPython, options, context);
    }
    if (file === undefined)
      throw new UsageError({
        code: 'METALAB_OPTION',
        where: 'store import',
        what: 'nothing to import was named',
        expected: 'FILE, which metalab store export wrote, or --from-python DIR',
      });
    const [{ importArchive }, { printCopied }, { showProgress }] = await Promise.all([
      import('../../../client/store/import-archive.js'),
      import('../../format/print-copied.js'),
      import('../../progress/show-progress.js'),
    ]);
    const target = await context.store({ create: true });
    const copied = await importArchive(file, target, {
      experiments: options.experiment,
      artifacts: true,
      logs: true,
      signal: context.interrupted,
      ...showProgress(context),
    });
    return printCopied(copied, { ...options, target }, context);
  },
};

/** @throws UsageError if there is what counts for files only */
function refuseWithPython(file: string | undefined, { experiment }: ImportFlags): void {
  const other = file ?? (experiment && '--experiment');
  if (other === undefined) return;
  throw new UsageError({
    code: 'METALAB_OPTION',
    where: '--from-python',
    what: `${other} can't be given with it`,
    expected: "the folder alone; for one experiment of it, that experiment's folder",
  });
}
