import { createRequire } from 'node:module';

/** The installed package's version. */
export const METALAB_VERSION = (createRequire(import.meta.url)('../../package.json') as { version: string })
  .version;
