import type { ArtifactDescriptor } from '../../definition/record.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import type { parseCondition } from '../parse-query.js';
import { ALL_OPTION, WHERE_OPTION } from '../results-options.js';

interface ArtifactsOptions extends CommonOptions {
  readonly get?: string;
  readonly output?: string;
  readonly fetch?: boolean;
  readonly getAll?: string;
  readonly name?: readonly string[];
  readonly flat?: boolean;
  readonly force?: boolean;
  readonly all?: boolean;
  readonly where?: readonly ReturnType<typeof parseCondition>[];
}

export const artifactsCommand: CommandDefinition<ArtifactsOptions> = {
  name: 'artifacts',
  summary: 'list, print, save or fetch the artifacts of a run, or of an experiment',
  arguments: [
    {
      name: 'run',
      description:
        'run, by any unambiguous prefix of its run_id; with --fetch, or a whole experiment by its id; with --get-all an experiment',
    },
  ],
  options: [
    { flags: '--get <name>', description: 'write this artifact to stdout, or to --output' },
    { flags: '--fetch', description: 'fetch all that is only on the cluster into the store' },
    { flags: '-o, --output <file>', description: 'where --get writes to' },
    {
      flags: '--get-all <folder>',
      description: 'save those of all runs of an experiment, in a folder named by the run_id for each',
    },
    {
      flags: '--name <name>',
      description: 'with --get-all: only artifacts of this name; may be repeated',
      repeatable: true,
    },
    { flags: '--flat', description: 'with --get-all: no folders, but files RUNID-NAME' },
    { flags: '--force', description: 'with --get-all: replace files that are there' },
    { ...WHERE_OPTION, description: `with --get-all: ${WHERE_OPTION.description}` },
    { ...ALL_OPTION, description: `with --get-all: ${ALL_OPTION.description}` },
  ],
  examples: [
    { line: 'artifacts 3f9a', does: 'names, formats and sizes' },
    { line: 'artifacts 3f9a --get fit --output fit.svg', does: 'write one to a file' },
    { line: 'artifacts 3f9a --get confusion | head', does: 'write one to stdout' },
    {
      line: "artifacts pi_mc --get-all figures --name fit --where 'samples>=1000000'",
      does: 'save one of each run',
    },
    { line: 'artifacts pi_mc --fetch', does: 'fetch all of an experiment into the store' },
  ],
  store: true,
  json: true,
  async run({ run = '' }, options, context) {
    if (options.getAll !== undefined) return saveAll(run, options.getAll, options, context);
    const store = await context.store({ needs: 'opening artifacts' });
    if (options.fetch) return fetch(store, run, options, context);
    const { resolveRun } = await import('../../client/resolve/resolve-run.js');
    const record = await resolveRun(store, run);
    if (options.get !== undefined) {
      const { writeArtifact } = await import('../format/write-artifact.js');
      await writeArtifact(store, record, options.get, options.output ?? '-', context);
    } else if (options.json) context.out(JSON.stringify(record.artifacts));
    else if (record.artifacts.length === 0) context.note('the run saved no artifacts');
    else await list(record.artifacts, context);
    return undefined;
  },
};

const MAX_LISTED = 20;

/** @returns the exit code: 1 if some could not be saved */
async function saveAll(
  exp: string,
  folder: string,
  options: ArtifactsOptions,
  context: CommandContext,
): Promise<number | undefined> {
  const [{ saveArtifacts }, { createTerminalPrompter }, { withResults }] = await Promise.all([
    import('../../client/artifacts/save-artifacts.js'),
    import('../terminal/terminal-prompter.js'),
    import('../with-results.js'),
  ]);
  const { name: names, flat = false, force = false } = options;
  const onProgress = (done: number) => context.live.progress(() => `${done} artifacts`);
  let failed = 0;
  await withResults(exp, options, context, async (results) => {
    const dependencies = { prompter: createTerminalPrompter(), say: context.note, onProgress };
    const which = { ...(names ? { names } : {}), flat, force };
    const saved = await saveArtifacts(results, folder, which, dependencies).finally(() =>
      context.live.clear(),
    );
    failed = saved.failed.length;
    if (options.json) return context.out(JSON.stringify(saved));
    context.note(
      `${saved.saved} artifacts saved in ${folder}${saved.there > 0 ? `, ${saved.there} were there` : ''}`,
    );
    for (const { run_id, name, why } of saved.failed.slice(0, MAX_LISTED))
      context.note(`not saved: ${name} of ${run_id}: ${why}`);
    if (failed > MAX_LISTED) context.note(`… and ${failed - MAX_LISTED} more (--json lists all)`);
  });
  return failed > 0 ? 1 : undefined;
}

const MAX_NAMED = 3;

/** @returns the exit code: 1 if some can't be found */
async function fetch(
  store: FileStore,
  prefix: string,
  { json }: CommonOptions,
  { out, note }: CommandContext,
): Promise<number | undefined> {
  const [{ bringArtifactsOf }, { createTerminalPrompter }] = await Promise.all([
    import('../../client/cluster/bring-artifacts.js'),
    import('../terminal/terminal-prompter.js'),
  ]);
  const options = { prompter: createTerminalPrompter(), say: note };
  const { brought, here, missing } = await bringArtifactsOf(store, prefix, options);
  if (json) out(JSON.stringify({ brought, here, missing }));
  else note(`${brought} artifacts fetched, ${here} were in the store`);
  if (missing.length === 0) return undefined;
  const names = missing.slice(0, MAX_NAMED).map(({ name, content_hash }) => `${name} (${content_hash})`);
  note(
    `${missing.length} artifacts are neither in the store nor, undamaged, on the cluster, such as ${names.join(', ')}`,
  );
  return 1;
}

async function list(artifacts: readonly ArtifactDescriptor[], context: CommandContext): Promise<void> {
  const [{ printTable }, { formatBytes }] = await Promise.all([
    import('../format/table.js'),
    import('../../definition/format-bytes.js'),
  ]);
  const rows = artifacts.map(({ name, kind, format, size_bytes, uri }) => ({
    name,
    kind,
    format,
    size: formatBytes(size_bytes),
    uri,
  }));
  printTable(rows, context);
}
