// @ts-check
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporalServerPrograms } from '../../../scripts/setup/temporal-server-programs.mjs';
import { Postgres } from './postgres.mjs';
import { createDatabases } from './schema.mjs';
import { TemporalServer } from './temporal-server.mjs';

/**
 * A production Temporal server on PostgreSQL, for tests: what docker-compose.yml deploys, as processes of this machine.
 *
 * @typedef {object} TemporalOnPostgres
 * @property {string} address for TEMPORAL_ADDRESS
 * @property {string} namespace
 * @property {string} folder with both logs; removed by `stop`
 * @property {number} pid of the Temporal server that runs now; read it again after `restart`
 * @property {() => Promise<void>} kill SIGKILL to the Temporal server
 * @property {() => Promise<void>} restart starts it again, at the same address, and waits until it can be used
 * @property {{ readonly pid: number, kill(): Promise<void>, restart(): Promise<void> }} postgres the same for PostgreSQL
 * @property {() => Promise<void>} stop ends everything, and removes the folder
 */

/**
 * Takes about 10 s. What it starts are children of this process: whoever calls this calls `stop`.
 *
 * @returns {Promise<TemporalOnPostgres>}
 */
export async function startTemporalOnPostgres() {
  const { server, sql } = await temporalServerPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'metalab-temporal-'));
  // PostgreSQL may run as another user, who has to reach its own folder in this one.
  chmodSync(folder, 0o711);
  /** @type {Postgres | undefined} */
  let postgres;
  try {
    postgres = await Postgres.create(join(folder, 'postgres'), randomBytes(16).toString('hex'));
    await createDatabases(sql, postgres);
    const temporal = await TemporalServer.create(join(folder, 'temporal'), server, postgres);
    return rig(folder, postgres, temporal);
  } catch (error) {
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * @param {string} folder
 * @param {Postgres} postgres
 * @param {TemporalServer} temporal
 * @returns {TemporalOnPostgres}
 */
const rig = (folder, postgres, temporal) => ({
  address: temporal.address,
  namespace: 'default',
  folder,
  get pid() {
    return temporal.pid;
  },
  kill: () => temporal.kill(),
  restart: () => temporal.start(),
  postgres: {
    get pid() {
      return postgres.pid;
    },
    kill: () => postgres.kill(),
    restart: () => postgres.start(),
  },
  async stop() {
    // Nothing of it is kept, so nothing needs to be written on the way out.
    await temporal.kill();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  },
});
