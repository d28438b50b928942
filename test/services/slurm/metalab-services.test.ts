import { readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ServiceJob } from '../../../src/services/service.js';
import { filesWith } from '../files-with.js';
import { query } from '../postgres/server.js';
import { metalabSpecOf, PATIENCE, processesWith, useClusterServices } from './cluster-services.js';

const { rig, servicesOf, queue } = await useClusterServices();

it('PostgreSQL and Atlas run on a node, keep data and password from job to job, and disclose the password to nobody', {
  timeout: 600_000,
}, async () => {
  const project = servicesOf();
  const services = project.open();
  const specs = [await metalabSpecOf('postgres'), await metalabSpecOf('atlas')];
  const [postgres, atlas] = await services.up(specs, project.options());
  expect([postgres, atlas]).toMatchObject([{ status: 'running' }, { status: 'running' }]);
  const uri = postgres!.provides[0]!.value;
  expect(uri).toContain(`@${postgres!.host}:${postgres!.port}/`);
  await query(uri, 'CREATE TABLE kept AS SELECT 42 AS answer');
  const url = `http://${atlas!.host}:${atlas!.port}/api/health`;
  expect((await fetch(url)).status).toBe(200);

  // Deaths are repaired in the job.
  const [dashboard] = processesWith(project.data('atlas'));
  process.kill(dashboard!, 'SIGKILL');
  await expect
    .poll(async () => (await services.inspect())[1], PATIENCE)
    .toMatchObject({ name: 'atlas', status: 'running', restarts: 1, process_id: atlas!.process_id });
  expect((await fetch(url)).status).toBe(200);
  const [server] = processesWith(`postgres -D ${project.data('postgres')}`);
  process.kill(server!, 'SIGKILL');
  await expect
    .poll(() => query(uri, 'SELECT answer FROM kept').catch(String), PATIENCE)
    .toEqual([{ answer: 42 }]);
  expect((await services.inspect())[0]).toMatchObject({ restarts: 1, process_id: postgres!.process_id });

  // One that hangs accepts connections, and answers nothing.
  const [hung] = processesWith(`postgres -D ${project.data('postgres')}`);
  process.kill(hung!, 'SIGSTOP');
  await expect
    .poll(async () => (await services.inspect())[0], PATIENCE)
    .toMatchObject({ name: 'postgres', status: 'unreachable', process_id: postgres!.process_id });
  process.kill(hung!, 'SIGCONT');
  await expect
    .poll(async () => (await services.inspect())[0], PATIENCE)
    .toMatchObject({ name: 'postgres', status: 'running', restarts: 1 });

  const password = readFileSync(postgres!.credentials!.file, 'utf8').trim().split(':').at(-1)!;
  const secrets = [password, readFileSync(atlas!.credentials!.file, 'utf8').trim()];
  for (const secret of secrets) expect(secret.length).toBeGreaterThan(20);
  const { job } = postgres!.process_id as ServiceJob;
  // What Slurm tells others of the job, variables of its processes, and what it prints and is made of.
  const shown = [
    ['squeue', '--format=%all'],
    ['scontrol', '--details', '--details', 'show', 'job'],
    ['scontrol', 'write', 'batch_script', job, '-'],
    ['sacct', '--allusers', '--parsable2', '--format=ALL'],
    ['ps', '-A', '-ww', 'e', '-o', 'args'],
  ];
  const told = await Promise.all(shown.map(async (command) => (await rig.run(command)).stdout));
  for (const [at, text] of told.entries()) expect(text, shown[at]!.join(' ')).toMatch(/metalab|postgres/);
  told.push(JSON.stringify([project.progress, await services.inspect()]));
  for (const secret of secrets) expect(told.filter((text) => text.includes(secret))).toEqual([]);
  // Files of the user that have a secret, and all files of Slurm's: its copies of scripts and variables, its logs.
  const holders = [project.root, rig.folder].flatMap((folder) => filesWith(secrets, folder));
  expect(holders).toContain(postgres!.credentials!.file);
  expect(holders.filter((path) => path.startsWith(rig.folder))).toEqual([]);
  expect(holders.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([]);
  expect(holders.filter((path) => /\.log|slurm\.out|plan\.json|batch\.sh/.test(path))).toEqual([]);

  await services.down(['postgres', 'atlas'], project.options());
  await expect.poll(queue, PATIENCE).toEqual([]);
  expect(processesWith(project.root)).toEqual([]);
  const [again] = await services.up(specs, project.options());
  expect(await query(again!.provides[0]!.value, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(readFileSync(again!.credentials!.file, 'utf8')).toContain(password);

  // A node's power fails: nothing was shut down, and what was committed is there, on another node.
  await query(again!.provides[0]!.value, 'INSERT INTO kept VALUES (43)');
  const { stdout } = await rig.run(['squeue', '--noheader', '--format=%N']);
  const node = stdout.trim();
  await rig.killNode(node);
  await expect.poll(async () => (await services.inspect())[0]?.status, PATIENCE).toBe('stopped');
  expect(processesWith(project.root)).toEqual([]);
  const [moved] = await services.up(specs, project.options());
  expect(await query(moved!.provides[0]!.value, 'SELECT sum(answer)::int AS sum FROM kept')).toEqual([
    { sum: 85 },
  ]);
  await rig.startNode(node);
  await rig.resumeNode(node);
  await services.down(['postgres', 'atlas'], project.options());
  await expect.poll(queue, PATIENCE).toEqual([]);
  expect(processesWith(project.root)).toEqual([]);
});
