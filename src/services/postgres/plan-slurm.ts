import { posix } from 'node:path';
import { cacheFolder } from '../../access/own-folders.js';
import { DefinitionError } from '../../definition/errors.js';
import { MIB } from '../../definition/memory-size.js';
import { quoteForShell } from '../../transport/ssh/command-line.js';
import type { ServicePlace, ServicePlan, SlurmFragment } from '../plugin.js';
import type { ServiceSpec } from '../service.js';
import { npmPrograms, PACKAGE_MAJOR } from './npm-programs.js';
import { describeServer, serverOf, startServer } from './server.js';
import { type PostgresConfig, refuseTrust } from './settings.js';

/** A server on a node of a cluster, whose programs are shipped there. */
export async function planSlurm(spec: ServiceSpec, place: ServicePlace): Promise<ServicePlan<SlurmFragment>> {
  const config = spec.config as PostgresConfig;
  const { folder, cluster } = place;
  if (!cluster) throw new TypeError('a plan for a cluster needs `cluster` of its place');
  if (config.auth === 'trust') throw new DefinitionError([refuseTrust('on a node of a cluster')]);
  const { archive: local } = await npmPrograms(cluster.system, cacheFolder(place.env));
  const archive = posix.join(cluster.programs, posix.basename(local));
  const programs = posix.join(archive.replace(/\.tgz$/, ''), 'bin');
  const { cpus, memory_mb } = spec.resources;
  const server = serverOf(config, place, {
    // Clients are on other nodes, and come through the gateway.
    listen: '*',
    clients: ['all'],
    memory_bytes: memory_mb * MIB,
  });
  const start = quoteForShell(posix.join(folder, 'start.sh'));
  return {
    ...describeServer(server, place.host, config.file_root ?? place.file_root),
    ship: [{ from: local, to: archive, mode: 0o600 }],
    fragment: {
      setup: [
        `rm -f ${quoteForShell(folder)}/ready-*`,
        `sh ${start} </dev/null >>"$SERVICE_LOG" 2>&1 &`,
        'SERVICE_PID=$!',
      ],
      cleanup: ['kill -INT "$SERVICE_PID" 2>/dev/null || :', 'wait "$SERVICE_PID" 2>/dev/null || :'],
      cpus,
      memory_mb,
      ...startServer(server, { folder, programs, major: PACKAGE_MAJOR, archive }),
    },
  };
}
