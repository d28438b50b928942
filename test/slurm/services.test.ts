import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { query } from '../services/postgres/server.js';
import { processesWith, serviceIn, services } from '../services/services.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, startMetalab } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { useCluster } from './cluster.js';

const cluster = await useCluster();
const PATIENCE = { timeout: 180_000, interval: 500 };

it('a session with services on a cluster, reached through its gateway', { timeout: 600_000 }, async () => {
  const project = new Project();
  await project.write({
    '.metalab.toml': `[project]
name = "lab"
[services.postgres]
[environments.cluster]
type = "slurm"
gateway = "rig"
file_root = ${JSON.stringify(project.path('spool'))}
`,
    'experiment.mjs': experimentText({
      body: "capture.metric('y', 2 * params.x);",
      properties: 'params: grid({ x: Array.from({ length: 20 }, (_, x) => x) })',
    }),
  });
  const options = { cwd: project.folder, env: { ...cluster.env, METALAB_ENV: 'cluster' } };
  const up = await services(['up'], options);
  expect(up.stderr).toMatch(/starting on|job \d+/);
  expect(up.code).toBe(0);
  const postgres = serviceIn(up.json, 'postgres');
  expect(postgres).toMatchObject({ status: 'running', restarts: 0 });
  expect(postgres.host).not.toBe('127.0.0.1');
  expect(await cluster.queue()).toHaveLength(1);

  // Another process finds the same.
  const status = await services(['status'], options);
  expect(serviceIn(status.json, 'postgres')).toMatchObject({ status: 'running', port: postgres.port });
  // How long the job may still run.
  expect(serviceIn(status.json, 'postgres').job_remaining_ms).toBeGreaterThan(0);
  expect((await startMetalab(['services', 'logs', 'postgres'], options).finished).stdout).toContain(
    'database system is ready',
  );

  // The store that they provide is the default: runs are executed on nodes, their files are here, and the worker feeds
  // the index through the gateway.
  const { code, stdout, stderr } = await metalab(['submit', 'experiment.mjs'], options);
  expect(stdout, stderr).toContain('20 success');
  expect(code).toBe(0);
  await expect
    .poll(
      async () => JSON.parse((await metalab(['status', 'e', '--json'], options)).stdout).index_lag,
      PATIENCE,
    )
    .toBe(0);
  const { stdout: locator } = await metalab(['services', 'status', '--store-locator'], options);
  expect(await query(locator.trim(), 'SELECT sum(y) AS y FROM metalab."e:1"')).toEqual([{ y: 380 }]);
  // From the index alone.
  const alone = locator.trim().replace(/file_root=[^&]*&?/, '');
  expect(await resultsJson('e', alone, [], options)).toHaveLength(20);

  // What is alive is reused; then it holds a tunnel.
  const tunnel = startMetalab(['services', 'up', '--tunnel'], options);
  let said = '';
  tunnel.stdout?.on('data', (text: string) => {
    said += text;
  });
  await expect.poll(() => said + tunnel.stderrSoFar(), PATIENCE).toMatch(/ {2}store: postgresql:\/\//);
  const store = /store: (\S+)/.exec(said)![1]!;
  expect(store).toContain('@127.0.0.1:');
  await query(store, 'CREATE TABLE kept AS SELECT 42 AS answer');

  // Somebody cancels the job: the workflow has another one, and the tunnel follows.
  const { stdout: jobs } = await cluster.rig.run(['squeue', '--noheader', '--format=%F']);
  await cluster.rig.run(['scancel', jobs.trim()]);
  await expect
    .poll(async () => serviceIn((await services(['status'], options)).json, 'postgres'), PATIENCE)
    .toMatchObject({ status: 'running', restarts: 1 });
  await expect
    .poll(() => query(store, 'SELECT answer FROM kept').catch(String), PATIENCE)
    .toEqual([{ answer: 42 }]);
  const password = readFileSync(postgres.credentials!.file, 'utf8').trim().split(':').at(-1)!;
  expect(said + tunnel.stderrSoFar() + up.stdout + up.stderr).not.toContain(password);
  tunnel.kill('SIGINT');
  expect((await tunnel.finished).code).toBe(130);

  expect(await metalab(['services', 'down'], options)).toMatchObject({ code: 0 });
  await expect.poll(() => cluster.queue(), PATIENCE).toEqual([]);
  expect(processesWith(project.folder)).toEqual([]);
});
