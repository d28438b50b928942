import type { StoredSize } from '../../../storage/file/measure-experiment.js';
import type { CommandDefinition } from '../../command.js';

export const infoCommand: CommandDefinition = {
  name: 'info',
  summary: 'show what is in a store: runs, artifacts, files and sizes by kind',
  description: `Runs are those that have a record, of whatever code; artifacts those that their final records name. Sizes are those on the
disk, without holes of packs. Of a store with an index in PostgreSQL, also how many lines of records, curves and data that lacks. \`tables\` are compacted runs and series, \`code\` declarations and bundles.`,
  arguments: [
    {
      name: 'exp',
      description: 'experiment, by any unambiguous prefix of its id (default: all of them)',
      optional: true,
    },
  ],
  examples: [
    { line: 'store info', does: 'the whole store' },
    { line: 'store info pi_mc', does: 'one experiment' },
    { line: 'store info --json | jq .kinds.artifacts.bytes', does: 'as data' },
  ],
  store: true,
  json: true,
  async run({ exp }, options, context) {
    const [{ countRecorded, measureFiles, sumSizes, totalSize }, { resolveExperiment }, { readIndexState }] =
      await Promise.all([
        import('../../../storage/file/measure-experiment.js'),
        import('../../../client/resolve/resolve-experiment.js'),
        import('../../../client/status/index-state.js'),
      ]);
    const store = await context.store();
    const ids = exp === undefined ? await store.experiments() : [await resolveExperiment(store, exp)];
    const index = await readIndexState(store, ids);
    const experiments = [];
    for (const experiment_id of ids) {
      const folder = store.experimentFolder(experiment_id);
      const kinds = await measureFiles(folder);
      const lag = index?.of(experiment_id);
      experiments.push({
        experiment_id,
        ...(await countRecorded(folder)),
        ...totalSize(kinds),
        ...lag,
        kinds,
      });
    }
    const kinds = sumSizes(experiments.map((each) => each.kinds));
    const runs = experiments.reduce((sum, each) => sum + each.runs, 0);
    const artifacts = experiments.reduce((sum, each) => sum + each.artifacts, 0);
    const { files, bytes } = totalSize(kinds);
    if (options.json) {
      const { uri, id } = store;
      context.out(JSON.stringify({ store: uri, id, runs, artifacts, files, bytes, kinds, experiments }));
      return undefined;
    }
    const [{ printTable }, { formatBytes }, { countOf }] = await Promise.all([
      import('../../format/table.js'),
      import('../../../definition/format-bytes.js'),
      import('../../../definition/format-count.js'),
    ]);
    context.out(`${store.uri} (${store.id})`);
    const counts = [
      countOf(experiments.length, 'experiment'),
      countOf(runs, 'run'),
      countOf(artifacts, 'artifact'),
      countOf(files, 'file'),
      formatBytes(bytes),
    ];
    context.out(counts.join(', '));
    for (const line of index?.lines ?? []) context.out(line);
    if (index?.lines.length === 0) context.out('the index in PostgreSQL has all of it');
    const sizes = (Object.entries(kinds) as [string, StoredSize][]).sort(([, a], [, b]) => b.bytes - a.bytes);
    printTable(
      sizes.map(([kind, size]) => ({ kind, files: size.files, size: formatBytes(size.bytes) })),
      context,
    );
    return undefined;
  },
};
