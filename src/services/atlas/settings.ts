import { z } from 'zod';
import { memory, wholeNumber } from '../../config/fields.js';

export const atlasSchema = z.strictObject({
  port: wholeNumber(1, 65_535).optional(),
  cpus: wholeNumber(1).default(1),
  /** Bytes. */
  memory: memory.default(2 ** 30),
});

export type AtlasConfig = z.infer<typeof atlasSchema>;
