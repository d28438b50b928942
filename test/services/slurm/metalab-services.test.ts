import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
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

  // The server's own death is repaired in the job.
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
  const { stdout } = await rig.run([
    'sh',
    '-c',
    `scontrol show job; ps -A -ww -o args; cat ${[
      '*.log',
      '../jobs/*/slurm.out',
      '../jobs/*/plan.json',
      '../jobs/*/batch.sh',
    ]
      .map((name) => `"$0"/log/${name}`)
      .join(' ')}`,
    join(project.data(''), '..'),
  ]);
  expect(stdout).toContain('metalab-services');
  expect(stdout).not.toContain(password);

  await services.down(['postgres', 'atlas'], project.options());
  await expect.poll(queue, PATIENCE).toEqual([]);
  expect(processesWith(project.root)).toEqual([]);
  const [again] = await services.up(specs, project.options());
  expect(await query(again!.provides[0]!.value, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(readFileSync(again!.credentials!.file, 'utf8')).toContain(password);
});
