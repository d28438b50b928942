import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { freePort } from '../engine/server/ports.js';
import type { ServicePlace, ServicePlan, ServicePlugin } from '../services/plugin.js';
import type { ServiceSpec } from '../services/service.js';
import { jobOf, shipFiles } from './service-job.js';
import { ServiceProcess } from './service-process.js';

/** How a service's plugin is tested. */
export interface ServicePluginContract {
  /** The test runner's own, as of Vitest, Jest or node:test. */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  readonly name: string;
  readonly plugin: ServicePlugin;
  /** A table of `[services]` for it. */
  readonly config: { readonly [key: string]: unknown };
  /** What its place has besides a folder and a port, e.g. the store that it consumes. */
  readonly placeOf?: () => Partial<ServicePlace>;
}

/** Declares the tests that every plugin passes, those of a package too. Its plans are carried out on this machine. */
export function testServicePlugin({ test, name, plugin, config, placeOf }: ServicePluginContract): void {
  const { local, slurm } = plugin.plans;

  /** Runs with a place that is removed afterwards, in which all that was started is ended. */
  const within = (use: (at: TestPlace) => Promise<void>) => async () => {
    // Spaces and quotes, because users have them.
    const root = await mkdtemp(join(tmpdir(), "metalab service's "));
    const started: ServiceProcess[] = [];
    try {
      await use({
        spec: specOf(name, plugin, config),
        place: await placeIn(root, placeOf?.()),
        start(fragment) {
          const service = ServiceProcess.start(fragment);
          started.push(service);
          return service.ready();
        },
      });
    } finally {
      for (const service of started.reverse()) await service.stop();
      await rm(root, { recursive: true, force: true });
    }
  };

  test('refuses a key that it does not have, by its name', async () => {
    const result = plugin.schema.safeParse({ ...config, no_such_key: 1 });
    assert.equal(result.success, false);
    assert.match(JSON.stringify(result.success ? [] : result.error.issues), /no_such_key/);
    assert.deepEqual(plugin.check?.(specOf(name, plugin, config).config, 'local') ?? [], []);
  });

  test('asks for processors and memory', async () => {
    const { cpus, memory_mb } = specOf(name, plugin, config).resources;
    assert.ok(Number.isInteger(cpus) && cpus >= 1, `cpus is ${cpus}`);
    assert.ok(Number.isInteger(memory_mb) && memory_mb >= 1, `memory_mb is ${memory_mb}`);
  });

  if (local) {
    test(
      'plans plain data: secrets are in private files only, and the next plan has it too',
      within(async ({ spec, place, start }) => {
        const plan = await local(spec, place);
        const { command, env, log, files } = plan.fragment;
        assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
        for (const path of [command[0] ?? '', log, ...Object.keys(files)])
          assert.ok(isAbsolute(path), `${path} is no absolute path`);
        checkProvisions(plugin, plan);
        const service = await start(plan.fragment);
        assert.ok(await service.isHealthy, 'its health is not what is there once it is ready');
        checkSecrets(plan, [command, env, service.log]);
        await service.stop();
        const again = await local(spec, place);
        assert.deepEqual(again.credentials, plan.credentials);
        assert.deepEqual(again.provides, plan.provides);
      }),
    );

    test(
      'gets ready, ends as it was asked to, and starts again, also after a kill',
      within(async ({ spec, place, start }) => {
        const first = await start((await local(spec, place)).fragment);
        assert.equal(await first.stop(), false, 'it had to be killed');
        const second = await start((await local(spec, place)).fragment);
        await second.kill();
        const third = await start((await local(spec, place)).fragment);
        assert.ok(third.runs);
      }),
    );
  }

  if (slurm)
    test(
      'does the same in a job of a cluster, with what was shipped to it',
      within(async ({ spec, place: here, start }) => {
        const system = execFileSync('uname', ['-sm'], { encoding: 'utf8' }).trim();
        const place = { ...here, cluster: { system, programs: join(dirname(here.folder), 'programs') } };
        const run = async () => {
          const plan = await slurm(spec, place);
          assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
          checkProvisions(plugin, plan);
          shipFiles(plan.ship);
          const service = await start(jobOf(plan.fragment, join(place.folder, 'service.log')));
          assert.ok(await service.isHealthy, 'its health is not what is there once it is ready');
          const { setup, cleanup } = plan.fragment;
          checkSecrets(plan, [setup, cleanup, service.log]);
          return service;
        };
        assert.equal(await (await run()).stop(), false, 'its cleanup did not end it');
        assert.equal(await (await run()).stop(), false, 'its cleanup did not end it');
      }),
    );
}

interface TestPlace {
  readonly spec: ServiceSpec;
  readonly place: ServicePlace;
  start(fragment: Parameters<typeof ServiceProcess.start>[0]): Promise<ServiceProcess>;
}

function specOf(name: string, plugin: ServicePlugin, config: object): ServiceSpec {
  const parsed = plugin.schema.safeParse(config);
  if (!parsed.success) throw new Error(`its config is wrong: ${JSON.stringify(parsed.error.issues)}`);
  assert.deepEqual(JSON.parse(JSON.stringify(parsed.data)), parsed.data);
  return {
    name,
    config: parsed.data,
    resources: plugin.resources(parsed.data),
    consumes: plugin.consumes,
  };
}

async function placeIn(root: string, given: Partial<ServicePlace> = {}): Promise<ServicePlace> {
  const [folder, private_folder] = ['data', 'private'].map((name) => join(root, name)) as [string, string];
  for (const path of [folder, private_folder]) mkdirSync(path, { mode: 0o700 });
  return {
    folder,
    private_folder,
    port: await freePort(),
    host: '127.0.0.1',
    store: undefined,
    file_root: join(root, 'experiments'),
    provided: [],
    env: process.env,
    ...given,
  };
}

function checkProvisions(plugin: ServicePlugin, { provides }: ServicePlan<unknown>): void {
  assert.deepEqual(provides.map(({ kind }) => kind).sort(), [...plugin.provides].sort());
}

/** That a login's secret is in none of these, and in none of what the plan says of the service. */
function checkSecrets(
  { credentials, metadata, provides, warnings }: ServicePlan<unknown>,
  others: readonly unknown[],
): void {
  if (!credentials) return;
  assert.equal(statSync(credentials.file).mode & 0o077, 0, `others can read ${credentials.file}`);
  // A token, or the last field of a line of a password file.
  const secret = readFileSync(credentials.file, 'utf8').trim().split(':').at(-1) ?? '';
  assert.ok(secret.length >= 16, `${credentials.file} has no secret`);
  const told = JSON.stringify([metadata, provides, warnings, others]);
  assert.ok(!told.includes(secret), 'a secret stands where others can read it');
}
