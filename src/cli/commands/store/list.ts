import type { CommandDefinition } from '../../command.js';

export const storeListCommand: CommandDefinition = {
  name: 'list',
  summary: 'list the experiments of a store, with their numbers of files and sizes',
  description: `All files of an experiment count, those of older code and of quarantine/ too. \`store info\` says what they are,
\`list\` how the runs ended.`,
  examples: [
    { line: 'store list', does: 'every experiment, the largest first' },
    { line: "store list --json | jq 'map(.bytes) | add'", does: 'as data' },
  ],
  store: true,
  json: true,
  async run(_args, options, context) {
    const [{ measureFiles, totalSize }, { printTable }, { formatBytes }] = await Promise.all([
      import('../../../storage/file/measure-experiment.js'),
      import('../../format/table.js'),
      import('../../../definition/format-bytes.js'),
    ]);
    const store = await context.store();
    const rows: { readonly experiment_id: string; readonly files: number; readonly bytes: number }[] = [];
    for (const experiment_id of await store.experiments())
      rows.push({
        experiment_id,
        ...totalSize(await measureFiles(store.experimentFolder(experiment_id))),
      });
    rows.sort((a, b) => b.bytes - a.bytes);
    if (options.json) context.out(JSON.stringify(rows));
    else if (rows.length === 0) context.note(`nothing was submitted to ${store.uri} yet`);
    else
      printTable(
        rows.map(({ experiment_id, files, bytes }) => ({
          experiment: experiment_id,
          files,
          size: formatBytes(bytes),
        })),
        context,
      );
    return undefined;
  },
};
