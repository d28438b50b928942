import { readdirSync, writeFileSync } from 'node:fs';
import type { ClusterProject, RigCluster } from './cluster.js';

/** A run takes ten minutes, until `go` is there. */
const LONG = `for (let i = 0; i < 6000 && !existsSync('GO'); i++) {
  runtime.signal.throwIfAborted();
  await sleep(100);
}`;

export async function longSweep(
  cluster: RigCluster,
  xs: number,
): Promise<{ readonly sweep: ClusterProject; readonly go: () => void }> {
  const sweep = await cluster.project({ xs }, ['chunk_size = 1']);
  const go = sweep.project.path('go');
  const properties = "env: ['METALAB_TEST_SECRET'],";
  const body = LONG.replace("'GO'", JSON.stringify(go));
  await sweep.write({ xs, body, properties }, ['chunk_size = 1']);
  return { sweep, go: () => writeFileSync(go, '') };
}

/** Where the spool holds values of variables. */
export const secretsOf = ({ spool }: ClusterProject) =>
  readdirSync(spool, { recursive: true }).filter((path) => String(path).endsWith('env.json'));
