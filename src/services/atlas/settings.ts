import { z } from 'zod';
import { memory, wholeNumber } from '../../config/fields.js';
import { GIB } from '../../definition/memory-size.js';

export const atlasSchema = z.strictObject({
  port: wholeNumber(1, 65_535).optional(),
  cpus: wholeNumber(1).default(1),
  /** Bytes. */
  memory: memory.default(GIB),
});

export type AtlasConfig = z.infer<typeof atlasSchema>;
