import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ArtifactDescriptor, RunRecord } from '../../src/definition/record.js';
import { parsePack, parsePackUri } from '../../src/storage/file/formats/pack.js';
import { listPacks } from '../../src/storage/file/formats/packs.js';
import { bytesOf } from '../support/artifacts.js';
import { type ClusterProject, useCluster } from './cluster.js';

const cluster = await useCluster();
const home = join(cluster.rig.folder, 'home');

/** Reads a file and a folder of its context, which are on this machine, or on the cluster where `ON` is set. */
const EXPERIMENT = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { dir, experiment, file, grid, operation, seeds } from 'metalab';
  export const read = operation(({ params, context, capture }) => {
    capture.metric('bytes', readFileSync(context.table.path).length);
    capture.metric('files', context.images.files.length);
    capture.artifact('copy', readFileSync(context.table.path));
    capture.note(context.table.path);
  });
  const [place, on] = process.env.ON ? ['data', { on: 'cluster' }] : ['da ta', {}];
  export default experiment({
    name: 'reads', version: process.env.V ?? '1', operation: read, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }),
    context: { table: file(place + '/a table.bin', on), images: dir(place + '/images', { ...on, pattern: '**/*.png' }) },
  });`;

function writeData(folder: string, table: Uint8Array | string): void {
  mkdirSync(join(folder, 'images', 'more images'), { recursive: true });
  writeFileSync(join(folder, 'a table.bin'), table);
  for (const name of ['1.png', 'more images/2\n\\.png', 'notes.txt'])
    writeFileSync(join(folder, 'images', name), `content of ${name}`);
}

async function projectWithData(table: Uint8Array | string = 'table') {
  const project = await cluster.project({ xs: 1 });
  await project.project.write({ 'reads.mjs': EXPERIMENT });
  writeData(project.project.path('da ta'), table);
  rmSync(join(home, 'data'), { recursive: true, force: true });
  writeData(join(home, 'data'), table);
  return project;
}

type Variables = { readonly ON?: string; readonly V?: string };

/** Runs metalab with variables that the experiment's file reads. */
async function runWith(project: ClusterProject, variables: Variables, ...args: readonly string[]) {
  const { ON, V } = process.env;
  Object.assign(process.env, variables);
  try {
    return await project.run(...args);
  } finally {
    for (const [name, value] of Object.entries({ ON, V }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

const submit = (project: ClusterProject, variables: Variables, ...args: readonly string[]) =>
  runWith(project, variables, 'submit', 'reads.mjs', ...args);

const uploaded = (project: ClusterProject) =>
  readdirSync(join(project.spool, 'files'), { recursive: true })
    .map((name) => ({ name: String(name), found: statSync(join(project.spool, 'files', String(name))) }))
    .filter(({ found }) => found.isFile());

it('the same bytes are the same run, whether they are here or on the cluster; neither is copied twice', {
  timeout: 540_000,
}, async () => {
  const project = await projectWithData(new Uint8Array(5_000_000).fill(7));
  const there = await submit(project, { ON: '1' });
  expect(there.stdout + there.stderr).toContain('2 success; 2 executed');
  expect(existsSync(join(project.spool, 'files'))).toBe(false);
  const [run] = JSON.parse((await project.run('results', 'reads', '--json')).stdout);
  expect(run).toMatchObject({ metrics: { bytes: 5_000_000, files: 2 } });
  const shown = JSON.parse((await project.run('show', run.run_id, '--json')).stdout);
  expect(shown.notes).toEqual([join(home, 'data', 'a table.bin')]);

  const here = await submit(project, {}, '--dry-run', '--json');
  expect(JSON.parse(here.stdout)).toMatchObject({ to_execute: 0, reused: { success: 2 } });

  expect((await submit(project, { V: '2' })).stdout).toContain('2 executed');
  const first = uploaded(project);
  expect(first.map(({ name }) => name.replace(/^\w+\//, '')).sort()).toEqual([
    '1.png',
    'a table.bin',
    'more images/2\n\\.png',
  ]);
  appendFileSync(project.project.path('da ta/images/1.png'), 'more');
  expect((await submit(project, { V: '2' })).stdout).toContain('2 executed');
  const inodes = new Map(first.map(({ name, found }) => [name, found.ino]));
  const second = uploaded(project);
  // The folder changed: it has a place of its own. The large file did not.
  expect(second.filter(({ name, found }) => inodes.get(name) === found.ino)).toHaveLength(3);
  expect(second).toHaveLength(5);
});

it('a file of the cluster is read there once, and again when it has changed', {
  timeout: 540_000,
}, async () => {
  const project = await projectWithData();
  const old = new Date(Date.now() - 3_600_000);
  cluster.wrap('sha256sum', `echo "$@" >> '${home}/read'; exec /usr/bin/sha256sum "$@"`);
  for (const name of ['a table.bin', 'images/1.png', 'images/more images/2\n\\.png'])
    utimesSync(join(home, 'data', name), old, old);
  const plan = async () =>
    JSON.parse((await submit(project, { ON: '1' }, '--dry-run', '--json')).stdout).to_execute;
  expect(await plan()).toBe(2);
  expect(existsSync(join(home, 'read'))).toBe(true);
  rmSync(join(home, 'read'));
  expect(await plan()).toBe(2);
  expect(existsSync(join(home, 'read'))).toBe(false);
  appendFileSync(join(home, 'data', 'a table.bin'), '!');
  await plan();
  expect(existsSync(join(home, 'read'))).toBe(true);
});

it('mistakes with cluster files are reported together, also in an environment without a cluster', {
  timeout: 360_000,
}, async () => {
  const project = await projectWithData();
  rmSync(join(home, 'data', 'a table.bin'));
  rmSync(join(home, 'data', 'images'), { recursive: true });
  const missing = await submit(project, { ON: '1' }, '--dry-run');
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain(
    `context.table ('data/a table.bin'): ${join(home, 'data', 'a table.bin')} does not exist`,
  );
  expect(missing.stderr).toContain(
    `context.images ('data/images'): ${join(home, 'data', 'images')} does not exist`,
  );

  const local = await submit(project, { ON: '1' }, '--dry-run', '--env', 'local');
  expect(local.stderr).toContain("is on a cluster, but the environment 'local' has none");
  expect(local.stderr).toContain('next: submit with --env NAME');

  await cluster.rig.stopGateway();
  const away = await submit(project, { ON: '1' }, '--dry-run').finally(() => cluster.rig.startGateway());
  expect(away.code).toBe(2);
  expect(away.stderr).toMatch(/context\.table .*can't be looked at: .*127\.0\.0\.1/);
});

it('artifacts are fetched on request, verified, or with the records', {
  timeout: 540_000,
}, async () => {
  const project = await projectWithData('the table');
  await submit(project, {});
  const here = join(project.store, 'reads@1');
  const there = join(project.spool, 'reads@1');
  const [run] = JSON.parse((await project.run('results', 'reads', '--json')).stdout);
  expect(await storedIn(here)).toBe(0);
  expect((await project.run('store', 'check')).code).toBe(0);

  await cluster.rig.stopGateway();
  const away = await project
    .run('artifacts', run.run_id, '--get', 'copy')
    .finally(() => cluster.rig.startGateway());
  expect(away.code).toBe(3);
  expect(away.stderr).toMatch(/127\.0\.0\.1:\d+: /);
  const got = await project.run('artifacts', run.run_id, '--get', 'copy');
  expect(got.stdout).toBe('the table');
  expect(await storedIn(here)).toBe(1);

  rmSync(join(here, 'packs'), { recursive: true });
  change(there, run.artifacts[0], 'the tabel');
  const damaged = await project.run('artifacts', run.run_id, '--get', 'copy');
  expect(damaged.stderr).toContain("artifact 'copy' is damaged there");
  expect(await storedIn(here)).toBe(0);
  rmSync(join(there, 'packs'), { recursive: true });
  const gone = await project.run('artifacts', run.run_id, '--get', 'copy');
  expect(gone.stderr).toContain("the bytes of artifact 'copy' are neither in the store nor on the cluster");

  await submit(project, { V: '2' }, '--artifacts');
  const second: RunRecord[] = JSON.parse((await project.run('results', 'reads:2', '--json')).stdout);
  expect(second).toHaveLength(2);
  for (const { artifacts } of second)
    expect((await bytesOf(join(project.store, 'reads@2'), artifacts[0]!)).toString()).toBe('the table');
});

/** How many artifacts an experiment's packs have, whole. */
async function storedIn(folder: string): Promise<number> {
  const packs = (await listPacks(folder)).map((pack) => parsePack(readFileSync(join(folder, pack))));
  return packs.flat().filter(({ kind }) => kind === 'artifact').length;
}

/** Writes other bytes in the place of a packed artifact's. */
function change(folder: string, { uri }: ArtifactDescriptor, content: string): void {
  const { pack, offset } = parsePackUri(uri)!;
  const bytes = readFileSync(join(folder, pack));
  bytes.write(content, offset);
  writeFileSync(join(folder, pack), bytes);
}

it('artifacts of runs that are reused come with --artifacts, and those of a whole experiment by one command', {
  timeout: 540_000,
}, async () => {
  const project = await cluster.project({
    xs: 40,
    body: "for (const name of ['a', 'b']) capture.artifact(name, name + params.x, { format: 'text' });",
  });
  expect(await project.finish()).toMatchObject({ success: 40 });
  const here = join(project.store, 'counted@1');
  const there = join(project.spool, 'counted@1');
  expect(await storedIn(here)).toBe(0);
  expect(await project.finish('--artifacts')).toMatchObject({ executed: 0, reused: 40 });
  expect(await storedIn(here)).toBe(80);
  expect(await listPacks(here)).toEqual(await listPacks(there));

  const runs: RunRecord[] = JSON.parse((await project.run('results', 'counted', '--json')).stdout);
  const [gone, damaged] = runs.flatMap(({ artifacts }) => artifacts) as [
    ArtifactDescriptor,
    ArtifactDescriptor,
  ];
  cpSync(join(there, 'packs'), join(project.spool, 'sound'), { recursive: true });
  rmSync(join(here, 'packs'), { recursive: true });
  change(there, gone, '\0'.repeat(gone.size_bytes));
  change(there, damaged, 'x'.repeat(damaged.size_bytes));
  const saved = project.project.path('saved');
  const save = async () => {
    const { code, stdout } = await project.run('artifacts', 'counted', '--get-all', saved, '--json');
    return { code, ...JSON.parse(stdout) };
  };
  await cluster.rig.stopGateway();
  const away = await save().finally(() => cluster.rig.startGateway());
  expect(away).toMatchObject({ code: 1, saved: 0 });
  expect(away.failed).toHaveLength(80);
  expect(away.failed[0].why).toMatch(/127\.0\.0\.1:\d+/);
  const fetched = await save();
  expect(fetched).toMatchObject({ code: 1, saved: 78 });
  expect(fetched.failed.map(({ why }: { why: string }) => why)).toEqual(
    Array(2).fill(expect.stringContaining('are not in the store')),
  );
  const files = readdirSync(saved, { recursive: true }).filter((name) => String(name).endsWith('.txt'));
  expect(files).toHaveLength(78);
  rmSync(join(here, 'packs'), { recursive: true });
  const most = await project.run('artifacts', 'counted', '--fetch', '--json');
  expect(most.code).toBe(1);
  expect(JSON.parse(most.stdout)).toMatchObject({ brought: 78, here: 0 });
  expect(most.stderr).toContain('2 artifacts are neither in the store nor, undamaged, on the cluster');
  expect(await storedIn(here)).toBe(78);

  rmSync(join(here, 'packs'), { recursive: true });
  cpSync(join(project.spool, 'sound'), join(there, 'packs'), { recursive: true });
  const [run] = runs as [RunRecord];
  const one = await project.run('artifacts', run.run_id, '--fetch');
  expect([one.code, one.stderr]).toEqual([0, expect.stringContaining('2 artifacts fetched')]);
  expect(await storedIn(here)).toBe(2);
  for (const artifact of run.artifacts)
    expect((await bytesOf(here, artifact)).toString()).toBe(`${artifact.name}${run.params.x}`);
});
