import type { ArtifactDescriptor } from '../../definition/record.js';
import type { Store } from '../../storage/store.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';

interface ArtifactsOptions extends CommonOptions {
  readonly get?: string;
  readonly output?: string;
  readonly fetch?: boolean;
}

export const artifactsCommand: CommandDefinition<ArtifactsOptions> = {
  name: 'artifacts',
  summary: 'list, print or fetch the artifacts of a run',
  arguments: [
    {
      name: 'run',
      description:
        'run, by any unambiguous prefix of its run_id; with --fetch, or a whole experiment by its id',
    },
  ],
  options: [
    { flags: '--get <name>', description: 'write this artifact to stdout, or to --output' },
    { flags: '--fetch', description: 'fetch all that is only on the cluster into the store' },
    { flags: '-o, --output <file>', description: 'where --get writes to' },
  ],
  examples: [
    { line: 'artifacts 3f9a', does: 'names, formats and sizes' },
    { line: 'artifacts 3f9a --get fit --output fit.svg', does: 'write one to a file' },
    { line: 'artifacts 3f9a --get confusion | head', does: 'write one to stdout' },
    { line: 'artifacts pi_mc --fetch', does: 'fetch all of an experiment into the store' },
  ],
  store: true,
  json: true,
  async run({ run = '' }, options, context) {
    const store = await context.store();
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

const MAX_NAMED = 3;

/** @returns the exit code: 1 if some can't be found */
async function fetch(
  store: Store,
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
