import { z } from 'zod';
import { memory, wholeNumber } from '../../config/fields.js';
import type { ServicePlugin } from '../plugin.js';

const schema = z.strictObject({
  port: wholeNumber(1, 65_535).optional(),
  cpus: wholeNumber(1).default(1),
  /** Bytes. */
  memory: memory.default(2 ** 30),
});

type AtlasConfig = z.infer<typeof schema>;

/** The dashboard, over the store that another service provides or the environment names. */
export const atlas: ServicePlugin<AtlasConfig> = {
  schema,
  resources: ({ cpus, memory: bytes }) => ({ cpus, memory_mb: Math.ceil(bytes / 2 ** 20) }),
  consumes: ['store'],
  provides: [],
  plans: {},
};
