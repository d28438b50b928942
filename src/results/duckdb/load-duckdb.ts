import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * DuckDB's module, loaded where it is first needed. `import()` of its CommonJS files takes 0.35 s of processor time, since
 * Node reads each of them for the names of exports; `require` takes 0.13 s.
 */
export const loadDuckdb = () => require('@duckdb/node-api') as typeof import('@duckdb/node-api');
