import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorParts } from '../definition/errors.js';

/** What every answer that is no success holds. */
export interface AtlasError {
  readonly error: ErrorParts;
}

export const refuse = (context: Context, status: ContentfulStatusCode, error: ErrorParts) =>
  context.json({ error } satisfies AtlasError, status);
