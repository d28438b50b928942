import { relative } from 'node:path';
import { formatBytes } from '../../definition/format-bytes.js';
import { findGarbage } from '../../storage/file/check/collect-garbage.js';
import { withMaintenanceLease } from '../../storage/maintenance.js';
import { asSweepStore } from '../../storage/sweep-store.js';
import type { CommandContext, CommonOptions } from '../command.js';

interface Options extends CommonOptions {
  readonly dryRun?: boolean;
}

export async function runStoreGc(options: Options, context: CommandContext): Promise<undefined> {
  const { dryRun = false, json = false } = options;
  const store = asSweepStore(await context.store());
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
  else await withMaintenanceLease(store, 'metalab store gc', collect);
  const bytes = deleted.reduce((sum, one) => sum + one.bytes, 0);
  if (json) context.out(JSON.stringify({ store: store.uri, dry_run: dryRun, bytes, deleted }));
  else if (deleted.length === 0) context.out('everything is needed');
  else context.out(`${formatBytes(bytes)} ${dryRun ? 'could be' : 'were'} freed`);
  return undefined;
}
