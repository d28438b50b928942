import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { replaceFile } from '../../../src/access/replace-file.js';
import { atlas } from '../../../src/services/atlas/plugin.js';
import type { ServicePlace } from '../../../src/services/plugin.js';
import type { ServiceHandle, ServiceSpec } from '../../../src/services/service.js';
import { passFileLine } from '../../../src/storage/postgresql/pass-file.js';
import { makeSampleStore } from '../../../src/testing/sample-store.js';
import { jobOf, shipFiles } from '../../../src/testing/service-job.js';
import { ServiceProcess } from '../../../src/testing/service-process.js';
import { usePostgres } from '../../storage/postgresql/use-postgres.js';
import { metalab } from '../../support/metalab.js';
import { placeOf, temporaryFolder } from '../postgres/server.js';

const postgres = usePostgres();
const cache = mkdtempSync(join(tmpdir(), 'metalab-atlas-cache-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const parsed = atlas.schema.safeParse({});
const config = parsed.success ? parsed.data : expect.fail('its defaults are wrong');
const spec: ServiceSpec = { name: 'atlas', config, resources: atlas.resources(config), consumes: ['store'] };

test('on a node, with what was shipped there, it shows the store that another service of the job provides', async () => {
  const shared = temporaryFolder();
  const store = await makeSampleStore(join(shared, 'store'));
  const uri = `${await postgres.database()}?file_root=${encodeURIComponent(store.root)}`;
  const cwd = temporaryFolder();
  const indexed = await metalab(['store', 'index', '--store', uri], {
    cwd,
    env: { PGPASSWORD: process.env.PGPASSWORD },
  });
  expect(indexed.code).toBe(0);
  const listed = await metalab(['list', '--store', store.root, '--json'], { cwd });
  // The node sees the index alone, and no password of its environment.
  await rename(store.root, join(shared, 'elsewhere'));
  const passfile = join(shared, 'pgpass');
  replaceFile(passfile, passFileLine({ password: process.env.PGPASSWORD! }));

  const value = `${uri}&passfile=${encodeURIComponent(passfile)}`;
  const handle = { name: 'postgres', credentials: { user: '', file: passfile } } as ServiceHandle;
  const place: ServicePlace = await placeOf({
    private_folder: temporaryFolder(),
    env: { ...process.env, METALAB_CACHE: cache },
    cluster: {
      system: execFileSync('uname', ['-sm'], { encoding: 'utf8' }).trim(),
      programs: join(shared, 'programs'),
    },
    provided: [{ kind: 'store', value, handle }],
  });
  const { fragment, ship, credentials } = await atlas.plans.slurm!(spec, place);
  shipFiles(ship);
  const job = jobOf(fragment, join(place.folder, 'log'));
  const service = ServiceProcess.start({ ...job, env: { ...job.env, PGPASSWORD: '' } });
  onTestFinished(async () => void (await service.stop()));
  await service.ready();
  const token = readFileSync(credentials!.file, 'utf8').trim();
  const response = await fetch(`http://127.0.0.1:${place.port}/api/experiments`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { experiments } = (await response.json()) as { experiments: object[] };
  expect(experiments).toMatchObject(
    (JSON.parse(listed.stdout) as object[]).map((summary) => {
      const { experiment_id, runs, older, submissions } = summary as { [key: string]: unknown };
      return { experiment_id, runs, older, submissions };
    }),
  );
  expect(experiments).toHaveLength(2);
  expect(await service.stop()).toBe(false);
});

test('files of this machine are not on a node: then there is no store', async () => {
  const cluster = { system: 'Linux x86_64', programs: '/programs' };
  const place = await placeOf({ cluster, store: '/data/lab' });
  await expect(atlas.plans.slurm!(spec, place)).rejects.toMatchObject({
    code: 'METALAB_SERVICE_STORE',
    expected: 'a database, e.g. [services.postgres]',
  });
  await expect(atlas.plans.local!(spec, await placeOf({ store: 'discover' }))).rejects.toMatchObject({
    code: 'METALAB_SERVICE_STORE',
  });
});
