import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { cacheFolder } from '../../access/own-folders.js';
import { keepToken } from '../../atlas/token-file.js';
import { packageFolder, readBuild } from '../../engine/build.js';
import { nodePackage, nodePlatform } from '../../execution/slurm/submit/node-package.js';
import { schemeOf } from '../../storage/location.js';
import { parseStore, StoreConfig } from '../../storage/store-config.js';
import { quoteForShell } from '../../transport/ssh/command-line.js';
import type { ServicePlace, ServicePlan, ShippedFile, SlurmFragment } from '../plugin.js';
import type { ServiceSpec } from '../service.js';
import { unpackOnce } from '../unpack-once.js';
import { duckdbPackage } from './duckdb-package.js';
import type { AtlasConfig } from './settings.js';
import { noStore, storeOf } from './store-of.js';

/** Atlas on a node of a cluster: with a Node, a DuckDB and one bundled file, which are shipped there. */
export async function planSlurm(spec: ServiceSpec, place: ServicePlace): Promise<ServicePlan<SlurmFragment>> {
  const config = spec.config as AtlasConfig;
  const { folder, private_folder, cluster, host, env } = place;
  if (!cluster) throw new TypeError('a plan for a cluster needs `cluster` of its place');
  const store = storeOnCluster(place);
  const port = config.port ?? place.port;
  const file = join(private_folder, 'token');
  const token = keepToken(file);
  const platform = nodePlatform(cluster.system);
  const [node, duckdb] = await Promise.all([
    nodePackage(platform, cacheFolder(env)),
    duckdbPackage(platform, cacheFolder(env)),
  ]);
  const to = (...names: string[]) => posix.join(cluster.programs, ...names);
  const program = to(`atlas-${readBuild()}`, 'atlas.mjs');
  const nodeProgram = to(`node-${node.version}-${platform}`);
  const args = {
    store: store.location,
    // Clients come through the gateway, and need the token.
    host: '0.0.0.0',
    port: String(port),
    'token-file': posix.join(folder, 'token'),
  };
  const start = posix.join(folder, 'start.sh');
  const { cpus, memory_mb } = spec.resources;
  return {
    fragment: {
      setup: [`sh ${quoteForShell(start)} </dev/null >>"$SERVICE_LOG" 2>&1 &`, 'SERVICE_PID=$!'],
      cleanup: ['kill "$SERVICE_PID" 2>/dev/null || :', 'wait "$SERVICE_PID" 2>/dev/null || :'],
      readiness: { type: 'http', port, path: '/api/health' },
      cpus,
      memory_mb,
      files: {
        ...store.files,
        [args['token-file']]: `${token}\n`,
        [start]: startScript(nodeProgram, program, to(duckdb.name), args),
      },
    },
    ship: [
      { from: node.program, to: nodeProgram, mode: 0o755 },
      { from: duckdb.archive, to: to(`${duckdb.name}.tgz`), mode: 0o600 },
      ...atlasFiles(posix.dirname(program)),
    ],
    credentials: { user: 'token', file },
    metadata: { store: store.location, url: `http://${host}:${port}` },
    provides: [],
  };
}

/** The bundle, and the files that it reads from its own folder. */
function atlasFiles(folder: string): ShippedFile[] {
  const dist = join(packageFolder(), 'dist');
  const migrations = join(dist, 'storage', 'postgresql', 'migrations');
  return [
    { from: join(dist, 'atlas.mjs'), to: posix.join(folder, 'atlas.mjs'), mode: 0o644 },
    ...readdirSync(migrations).map((name) => ({
      from: join(migrations, name),
      to: posix.join(folder, 'migrations', name),
      mode: 0o644,
    })),
  ];
}

const startScript = (
  node: string,
  program: string,
  duckdb: string,
  args: { readonly [name: string]: string },
) => `#!/bin/sh
# Written by metalab at each start.
set -eu
umask 077
${unpackOnce(`${duckdb}.tgz`, duckdb)}
export NODE_PATH="$folder/node_modules"
exec ${[node, program, ...Object.entries(args).map(([name, value]) => `--${name}=${value}`)].map(quoteForShell).join(' ')}
`;

/** The store as a node reaches it; a file with its password goes with it. @throws UsageError METALAB_SERVICE_STORE */
function storeOnCluster(place: ServicePlace): {
  readonly location: string;
  readonly files: SlurmFragment['files'];
} {
  const location = storeOf(place);
  // Files of this machine are not there.
  if (schemeOf(location) === 'file') throw noStore('a database, e.g. [services.postgres]');
  const { settings } = parseStore(location);
  if (settings.scheme !== 'postgresql' || settings.passfile === undefined) return { location, files: {} };
  const passfile = posix.join(place.folder, 'pgpass');
  const files = { [passfile]: readFileSync(settings.passfile, 'utf8') };
  return { location: StoreConfig.of({ settings: { ...settings, passfile } }).uri, files };
}
