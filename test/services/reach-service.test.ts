import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { writeBundle } from '../../src/services/bundle.js';
import { writeOrder } from '../../src/services/order-file.js';
import { makeFolder, servicesFolder } from '../../src/services/place.js';
import { reachServices } from '../../src/services/reach-service.js';
import type { ServiceHandle } from '../../src/services/service.js';
import { connectIndex } from '../../src/storage/postgresql/connect.js';
import { provideReach } from '../../src/storage/postgresql/reach.js';
import { parsePostgres } from '../../src/storage/postgresql/settings.js';
import { until } from '../support/until.js';
import { Scratch } from '../transport/ssh/scratch.js';
import { placeOf, startAt } from './postgres/server.js';

afterEach(() => provideReach(async () => undefined));

/** A database that is said to be on a cluster behind a gateway, and was on another node when its location was written. */
async function serverElsewhere() {
  const scratch = new Scratch();
  onTestFinished(() => scratch.close());
  const sshd = await scratch.start();
  const config = scratch.path('ssh_config');
  writeFileSync(
    config,
    `Host gateway\n HostName ${sshd.host}\n Port ${sshd.port}\n User ${sshd.user}\n IdentityFile "${sshd.key}"\n UserKnownHostsFile "${sshd.knownHosts}"\n`,
  );
  process.env.METALAB_SSH_CONFIG = config;
  process.env.METALAB_HOME = scratch.path('home');
  const { plan } = await startAt(await placeOf());
  const place = { project: 'lab-1', environment: 'cluster' };
  const folder = makeFolder(place);
  const passfile = join(folder, 'pgpass');
  copyFileSync(plan.credentials!.file, passfile);
  const [, port] = /:(\d+)\//.exec(plan.provides[0]!.value)!;
  const { user } = plan.credentials!;
  const handle: ServiceHandle = {
    name: 'postgres',
    host: '127.0.0.1',
    port: Number(port),
    status: 'running',
    credentials: { user, file: passfile },
    process_id: { job: '7' },
    since: '2026-01-01T00:00:00.000Z',
    restarts: 1,
    log: '/none',
    metadata: {},
    provides: [],
  };
  const move = (to: Partial<ServiceHandle>) =>
    writeBundle(folder, {
      ...{
        version: 1,
        ...place,
        project_folder: '/lab',
        environment_type: 'slurm',
        store: null,
        tunnels: [],
      },
      handles: [{ ...handle, ...to }],
    });
  move({});
  writeOrder(folder, {
    project: { name: 'lab', folder: '/lab' },
    environment: {
      name: 'cluster',
      type: 'slurm',
      file_root: '/none',
      services: {},
      gateway: { host: 'gateway', jump: [] },
      executor: { modules: [], setup: [], extra_sbatch: [] },
    },
    ...{ specs: [], store: null, file_root: '/lab/experiments', env: {} },
  });
  const location = `postgresql://${user}@node-7.invalid:1/metalab?passfile=${encodeURIComponent(passfile)}`;
  return { settings: parsePostgres(location, []), port: Number(port), move, sshd };
}

const usedPort = (client: Awaited<ReturnType<typeof connectIndex>>) =>
  (client as unknown as { connection: { stream: { remotePort: number } } }).connection.stream.remotePort;

it('a database behind a gateway is reached where it is now, through a tunnel that its last connection closes', async () => {
  const { settings, port, move } = await serverElsewhere();
  await expect(connectIndex(settings)).rejects.toMatchObject({ code: 'METALAB_INDEX_UNREACHABLE' });
  provideReach(reachServices());
  const clients = await Promise.all([connectIndex(settings), connectIndex(settings)]);
  const [first, second] = clients.map(usedPort);
  expect(first).toBe(second);
  expect(first).not.toBe(port);
  for (const client of clients) expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  for (const client of clients) await client.end();
  // The next connection needs another tunnel: nothing listens at the old one any more.
  const again = await connectIndex(settings);
  expect(usedPort(again)).not.toBe(first);
  await again.end();
  move({ port: 1 });
  await expect(connectIndex(settings)).rejects.toMatchObject({
    code: 'METALAB_INDEX_UNREACHABLE',
    what: expect.stringContaining("PostgreSQL can't be reached"),
  });
});

it('a process that connects again and again keeps its tunnel, and follows a gateway that restarts', async () => {
  const { settings, sshd } = await serverElsewhere();
  provideReach(reachServices({ keep: true }));
  const ports = [];
  for (let time = 0; time < 2; time++) {
    const client = await connectIndex(settings);
    ports.push(usedPort(client));
    await client.end();
  }
  expect(ports[0]).toBe(ports[1]);
  await sshd.stop();
  await expect(connectIndex(settings)).rejects.toMatchObject({ code: 'METALAB_INDEX_UNREACHABLE' });
  await sshd.start();
  await until(async () => {
    const client = await connectIndex(settings).catch(() => undefined);
    await client?.end();
    return client !== undefined;
  });
});

it('a database that is not of a service is where its location says', async () => {
  const { settings } = await serverElsewhere();
  const reach = reachServices();
  expect(await reach({ ...settings, passfile: '/elsewhere/lab-1/cluster/pgpass' })).toBeUndefined();
  expect(
    await reach({ ...settings, passfile: join(servicesFolder(), 'lab-1', 'other', 'pgpass') }),
  ).toBeUndefined();
});
