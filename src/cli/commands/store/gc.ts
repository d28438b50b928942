import { relative } from 'node:path';
import type { CommandDefinition, CommonOptions } from '../../command.js';

interface GcFlags extends CommonOptions {
  readonly dryRun?: boolean;
}

export const gcCommand: CommandDefinition<GcFlags> = {
  name: 'gc',
  summary: 'delete files that nothing refers to',
  description: `Bundles and declarations that no submission refers to, artifacts that no run's final record refers to, temporary files.
Records are kept. Refused while an engine uses the store.`,
  options: [{ flags: '--dry-run', description: 'show what would be deleted; delete nothing' }],
  examples: [
    { line: 'store gc --dry-run', does: 'what would be deleted' },
    { line: 'store gc', does: 'delete it' },
  ],
  store: true,
  json: true,
  async run(_, options, context) {
    const [{ formatBytes }, { findGarbage }] = await Promise.all([
      import('../../../definition/format-bytes.js'),
      import('../../../storage/file/check/collect-garbage.js'),
    ]);
    const { dryRun = false, json = false } = options;
    const store = await context.store();
    const deleted: { readonly path: string; readonly why: string; readonly bytes: number }[] = [];
    const collect = async () => {
      for await (const { path, why, bytes, remove } of findGarbage(store.root)) {
        if (!dryRun) await remove();
        deleted.push({ path: relative(store.root, path), why, bytes });
        if (!json)
          context.out(`${relative(store.root, path)}  ${formatBytes(bytes)}  ${context.color.dim(why)}`);
      }
    };
    if (dryRun) await collect();
    else await store.lease.during('metalab store gc', collect);
    const bytes = deleted.reduce((sum, one) => sum + one.bytes, 0);
    if (json) context.out(JSON.stringify({ store: store.uri, dry_run: dryRun, bytes, deleted }));
    else if (deleted.length === 0) context.out('nothing to delete: everything is needed');
    else context.out(`${formatBytes(bytes)} ${dryRun ? 'could be' : 'were'} freed`);
    return undefined;
  },
};
