import { totalmem } from 'node:os';
import { join } from 'node:path';
import { DefinitionError } from '../../definition/errors.js';
import type { LocalFragment, ServicePlace, ServicePlan } from '../plugin.js';
import type { ServiceSpec } from '../service.js';
import { choosePrograms } from './programs.js';
import { describeServer, serverOf, startServer } from './server.js';
import { isLoopback, type PostgresConfig, refuseTrust } from './settings.js';

/** More is of little use for an index, and others use this machine too. */
const MAX_BYTES = 4 * 2 ** 30;
/** A fast shutdown writes what is in memory. */
const STOP_MS = 60_000;

/** A server on this machine. */
export async function planLocal(spec: ServiceSpec, place: ServicePlace): Promise<ServicePlan<LocalFragment>> {
  const config = spec.config as PostgresConfig;
  const { folder, host } = place;
  const isOpen = !isLoopback(host);
  if (config.auth === 'trust' && isOpen) throw new DefinitionError([refuseTrust(`at ${host}`)]);
  const { folder: programs, major } = await choosePrograms(join(folder, 'data'), place.env);
  const server = serverOf(config, place, {
    listen: host,
    clients: isOpen ? ['all'] : ['127.0.0.1/32', '::1/128'],
    memory_bytes: config.memory ?? Math.min(machineBytes() / 4, MAX_BYTES),
  });
  return {
    ...describeServer(server, host, config.file_root ?? place.file_root),
    fragment: {
      command: ['/bin/sh', join(folder, 'start.sh')],
      env: {},
      log: join(folder, 'postgres.log'),
      stop: { signal: 'SIGINT', timeout_ms: STOP_MS },
      ...startServer(server, { folder, programs, major }),
    },
    ...(config.auth === 'trust' ? { warnings: [TRUST_WARNING] } : {}),
  };
}

const TRUST_WARNING =
  'auth = "trust": every user of this machine can read and change the database. Take it out of [services.postgres] to ask for a password';

/** Of this machine, or of the container that this process is in. */
const machineBytes = () => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
