import { MIB } from '../../definition/memory-size.js';
import type { ServicePlugin } from '../plugin.js';
import { checkPostgres, type PostgresConfig, postgresSchema } from './settings.js';

const DEFAULT_MEMORY_MB = 2048;

/** A PostgreSQL server of this user's own, which has the index of a store. */
export const postgres: ServicePlugin<PostgresConfig> = {
  schema: postgresSchema,
  secrets: ['password'],
  resources: ({ cpus, memory }) => ({
    cpus,
    memory_mb: memory === undefined ? DEFAULT_MEMORY_MB : Math.ceil(memory / MIB),
  }),
  consumes: [],
  provides: ['store'],
  check: checkPostgres,
  plans: {
    // Imported here: most who read the configuration start no service.
    local: async (spec, place) => (await import('./plan-local.js')).planLocal(spec, place),
    slurm: async (spec, place) => (await import('./plan-slurm.js')).planSlurm(spec, place),
  },
};
