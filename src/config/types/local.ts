import { z } from 'zod';
import type { EnvironmentType } from '../environment-type.js';
import { wholeNumber } from '../fields.js';

const schema = z.strictObject({
  executor: z.strictObject({ slots: wholeNumber(1, 1000).optional() }, { error: 'a table' }).optional(),
});

export type LocalSettings = typeof schema;

/** Runs on this machine. */
export const local: EnvironmentType<z.infer<LocalSettings>> = {
  schema,
  defaults: { 'executor.slots': 'as many as the worker has cores' },
  resolve: (common, { executor = {} }) => ({ ...common, type: 'local', executor }),
};
