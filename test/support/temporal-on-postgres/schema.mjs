// @ts-check
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { USER } from './postgres.mjs';

const run = promisify(execFile);

/** Database → which of the sql tool's built-in schemas it has. */
export const DATABASES = {
  temporal: 'postgresql/v12/temporal',
  temporal_visibility: 'postgresql/v12/visibility',
};

/**
 * Creates both of Temporal's databases and brings their schemas up to date: the steps that docker-compose.yml's image
 * does.
 *
 * @param {string} sqlTool
 * @param {import('./postgres.mjs').Postgres} postgres
 */
export async function createDatabases(sqlTool, { port, password }) {
  const connection = {
    SQL_PLUGIN: 'postgres12',
    SQL_HOST: '127.0.0.1',
    SQL_PORT: String(port),
    SQL_USER: USER,
    SQL_PASSWORD: password,
  };
  const steps = async (/** @type {[string, string]} */ [database, schema]) => {
    const env = { ...process.env, ...connection, SQL_DATABASE: database };
    await run(sqlTool, ['create-database'], { env });
    await run(sqlTool, ['setup-schema', '-v', '0.0'], { env });
    await run(sqlTool, ['update-schema', '--schema-name', schema], { env });
  };
  await Promise.all(Object.entries(DATABASES).map(steps));
}
