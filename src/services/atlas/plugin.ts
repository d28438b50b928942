import { MIB } from '../../definition/memory-size.js';
import type { ServicePlugin } from '../plugin.js';
import { type AtlasConfig, atlasSchema } from './settings.js';

/** The dashboard, over the store that another service provides or the environment names. */
export const atlas: ServicePlugin<AtlasConfig> = {
  schema: atlasSchema,
  resources: ({ cpus, memory }) => ({ cpus, memory_mb: Math.ceil(memory / MIB) }),
  consumes: ['store'],
  provides: [],
  plans: {
    local: async (spec, place) => (await import('./plan-local.js')).planLocal(spec, place),
    slurm: async (spec, place) => (await import('./plan-slurm.js')).planSlurm(spec, place),
  },
};
