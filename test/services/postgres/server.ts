import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { LocalFragment, ServicePlace, ServicePlan } from '../../../src/services/plugin.js';
import { postgres } from '../../../src/services/postgres/plugin.js';
import type { ServiceSpec } from '../../../src/services/service.js';
import { parseStore } from '../../../src/storage/store-config.js';
import { ServiceProcess } from '../../../src/testing/service-process.js';
import { freePorts } from '../../support/temporal-on-postgres/ports.mjs';

/** A folder that is removed after the test. Spaces and quotes, because users have them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "metalab service's "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function specOf(given: object = {}): ServiceSpec {
  const parsed = postgres.schema.safeParse(given);
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues));
  const config = parsed.data;
  return { name: 'postgres', config, resources: postgres.resources(config), consumes: postgres.consumes };
}

/** A place of the test's own, on this machine. */
export async function placeOf(given: Partial<ServicePlace> = {}): Promise<ServicePlace> {
  const folder = given.folder ?? temporaryFolder();
  const [port = 0] = await freePorts(1);
  return {
    folder,
    private_folder: folder,
    port,
    host: '127.0.0.1',
    store: undefined,
    file_root: join(folder, 'experiments'),
    provided: [],
    env: process.env,
    ...given,
  };
}

export const planAt = (place: ServicePlace, config: object = {}): Promise<ServicePlan<LocalFragment>> =>
  postgres.plans.local!(specOf(config), place);

/** Starts a server, and ends it after the test. */
export async function startAt(place: ServicePlace, config: object = {}) {
  const plan = await planAt(place, config);
  const server = ServiceProcess.start(plan.fragment);
  onTestFinished(async () => void (await server.stop()));
  await server.ready();
  return { plan, server, uri: plan.provides[0]!.value };
}

/** Rows of a statement, with a password or that of the uri's file. */
export async function query(uri: string, sql: string, login: { user?: string; password?: string } = {}) {
  const { settings } = parseStore(uri);
  if (settings.scheme !== 'postgresql') throw new Error(`${uri} is no database`);
  const { passwordOf } = await import('../../../src/storage/postgresql/passwords.js');
  const { host, port, user, database } = settings;
  const client = new pg.Client({ host, port, user, database, password: passwordOf(settings), ...login });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
