import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startMetalab } from '../support/metalab.js';
import { until } from '../support/until.js';
import { useCluster } from './cluster.js';

const cluster = await useCluster();

it('the log of a run on a node is followed while it runs, a few seconds behind', {
  timeout: 360_000,
}, async () => {
  const project = await cluster.project({
    xs: 1,
    body: "for (let i = 0; i < 45; i++) { capture.log('tick ' + i); await sleep(1000); }",
  });
  await project.run('submit', 'counted.mjs', '--detach');
  const segments = () =>
    readdirSync(project.store, { recursive: true })
      .map(String)
      .filter((name) => /segments\/.*\/logs-/.test(name));
  await until(() => segments().length > 0);
  const line = readFileSync(join(project.store, segments()[0]!), 'utf8').split('\n')[0]!;
  const { run_id } = JSON.parse(line) as { readonly run_id: string };
  const child = startMetalab(['logs', run_id, '--follow', '--json'], {
    cwd: project.project.folder,
    env: cluster.env,
  });
  const delays: number[] = [];
  let first = true;
  child.stdout!.on('data', (text: string) => {
    const last = JSON.parse(text.trim().split('\n').at(-1)!) as { readonly at: string };
    // What had been there before anybody followed says nothing.
    if (!first) delays.push(Date.now() - Date.parse(last.at));
    first = false;
  });
  const { stdout } = await child.finished;
  expect(
    stdout
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each).message),
  ).toEqual(Array.from({ length: 45 }, (_, i) => `tick ${i}`));
  // Without a follower, the look before the last is 10 s and more behind.
  expect(delays.length).toBeGreaterThan(4);
  expect(Math.max(...delays.slice(1, -1))).toBeLessThan(8_000);
});

it("the output of a failed set-up is reported and kept in the store; show prints a run's Slurm job", {
  timeout: 540_000,
}, async () => {
  const project = await cluster.project({ xs: 2 });
  await project.finish();
  const [record] = await project.expectOnce(2);
  const shown = (await project.run('show', record!.run_id)).stdout;
  expect(shown).toMatch(
    /\nslurm\n {2}environment +cluster\n {2}job +\d+_\d+\n {2}task +\d+\n {2}node +n[12]\n/,
  );
  expect(shown).toMatch(/\n {2}task ran for +[\d.]+m?s\n {2}MaxRSS +[\d.]+ MiB\n/);
  await project.write({ xs: 3 }, ['setup = ["module load nonexistent/1.0"]']);
  const failed = await project.run('submit', 'counted.mjs');
  expect(failed.stderr + failed.stdout).toMatch(
    /a task ended with exit code \d+ on node n[12] before it could start runs/,
  );
  expect(failed.stderr + failed.stdout).toContain('module: command not found');
  const kept = readdirSync(project.store, { recursive: true })
    .map(String)
    .filter((name) => name.includes('slurm-out/'));
  expect(kept.length).toBeGreaterThan(0);
  expect(readFileSync(join(project.store, kept[0]!), 'utf8')).toMatch(
    /^==> task 0 <==\n[\s\S]*module: command not found/,
  );
});

it('the error of a run whose task Slurm ended for its memory says so', {
  timeout: 540_000,
}, async () => {
  const project = await cluster.project({
    xs: 1,
    body: `const { spawn } = await import('node:child_process');
      await sleep(4000);
      const child = spawn(process.execPath, ['-e', 'const all = []; setInterval(() => all.push(Buffer.alloc(50e6, 1)), 50)']);
      await new Promise((resolve) => child.once('exit', resolve)); await sleep(20_000);`,
    // A run may have more than its whole task: metalab does not end its slot before Slurm ends the task.
    properties: "memory: '2G', resources: { memory: '300M' },",
  });
  await project.finish();
  const [record] = await project.expectOnce(1, 'failed');
  expect(record!.error).toMatchObject({ type: 'MemoryError' });
  expect(record!.error!.message).toMatch(
    /more than the job's memory of 300 MiB[\s\S]*\nslurmstepd.*[Ee]xceeded/,
  );
});
