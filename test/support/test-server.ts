import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { giveOwnPorts } from './own-ports.js';
import { startTemporalOnPostgres } from './temporal-on-postgres/start.mjs';

/**
 * Which Temporal server the tests submit to: METALAB_TEST_SERVER=postgres is a production server on PostgreSQL, that all
 * share; without it, each METALAB_HOME has the engine's own.
 */
export const onPostgres = process.env.METALAB_TEST_SERVER === 'postgres';

const FOLDER_VARIABLE = 'METALAB_TEST_SERVER_FOLDER';

/** Where a server that is not the engine's keeps its database and logs. */
export const serverFolders = () => [process.env[FOLDER_VARIABLE]].filter((folder) => folder !== undefined);

/** Starts what METALAB_TEST_SERVER names, for all tests. @returns what stops it */
export async function startTestServer(): Promise<() => Promise<void>> {
  if (!onPostgres) return async () => {};
  const rig = await startTemporalOnPostgres();
  process.env.TEMPORAL_ADDRESS = rig.address;
  process.env[FOLDER_VARIABLE] = rig.folder;
  return () => rig.stop();
}

/**
 * What keeps a METALAB_HOME's workers from other tests' chunks: on the engine its own server, on a shared one a namespace.
 *
 * @returns variables to run `metalab` with
 */
export async function apart(home: string): Promise<NodeJS.ProcessEnv> {
  if (!onPostgres) {
    giveOwnPorts(home);
    return { METALAB_HOME: home };
  }
  const namespace = `test-${randomBytes(4).toString('hex')}`;
  const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS! });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
  } finally {
    await connection.close();
  }
  return { METALAB_HOME: home, TEMPORAL_NAMESPACE: namespace };
}
