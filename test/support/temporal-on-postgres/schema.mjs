// @ts-check
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { USER } from './postgres.mjs';

const run = promisify(execFile);

/** What docker-compose.yml runs. */
const SCRIPT = fileURLToPath(new URL('../../../docker/temporal-schema.sh', import.meta.url));

/** The databases that it makes. */
export const DATABASES = { default: 'temporal', visibility: 'temporal_visibility' };

/**
 * @param {string} sqlTool
 * @param {import('./postgres.mjs').Postgres} postgres
 */
export async function createDatabases(sqlTool, { port, password }) {
  const env = {
    ...process.env,
    SQL_TOOL: sqlTool,
    SQL_PLUGIN: 'postgres12',
    SQL_HOST: '127.0.0.1',
    SQL_PORT: String(port),
    SQL_USER: USER,
    SQL_PASSWORD: password,
  };
  await run('sh', [SCRIPT], { env, maxBuffer: 2 ** 24 });
}
