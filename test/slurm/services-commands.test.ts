import { symlink } from 'node:fs/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { cancelAllJobs } from '../rig/use-rig.js';
import { ECHO_PACKAGE } from '../services/fixtures/echo-package.js';
import { processesWith, serviceIn, services } from '../services/services.js';
import { metalab, ROOT, startMetalab } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { untilSaid } from '../support/until.js';
import { useCluster } from './cluster.js';

const cluster = await useCluster();
const PATIENCE = { timeout: 180_000, interval: 200 };

afterEach(() => cancelAllJobs(cluster.rig));

/** A project with a service on the cluster, which is down at the end of a test. */
async function projectOnCluster(tables = '') {
  const project = new Project();
  await project.write({
    ...ECHO_PACKAGE,
    '.metalab.toml': `[project]
name = "lab"
[services.echo]
greeting = "hi"
${tables}[environments.cluster]
type = "slurm"
gateway = "rig"
file_root = ${JSON.stringify(project.path('spool'))}
`,
  });
  await symlink(ROOT, project.path('node_modules/metalab'));
  const options = { cwd: project.folder, env: { ...cluster.env, METALAB_ENV: 'cluster' } };
  onTestFinished(async () => {
    await metalab(['services', 'down'], options);
  });
  const down = async () => {
    expect(await metalab(['services', 'down'], options)).toMatchObject({ code: 0 });
    await expect.poll(() => cluster.queue(), PATIENCE).toEqual([]);
    // Its programs are in the spool.
    expect(processesWith(project.folder)).toEqual([]);
  };
  return { options, down, folder: project.folder };
}

/** Has the job wait in the queue. */
const block = () => cluster.rig.submit('sleep 600', ['--nodes=2', '--exclusive']);

describe('metalab services up on a cluster that is killed', { timeout: 400_000 }, () => {
  it('in the queue: another up ends with one set, and down leaves nothing in the queue', async () => {
    const { options, down } = await projectOnCluster();
    const blocker = await block();
    const killed = startMetalab(['services', 'up'], options);
    await untilSaid(killed, "in Slurm's queue");
    killed.kill('SIGKILL');
    const again = startMetalab(['services', 'up'], options);
    // It is told what the other one waits for.
    await untilSaid(again, "in Slurm's queue");
    expect(await cluster.queue()).toHaveLength(2);
    await cluster.rig.run(['scancel', blocker]);
    expect(await again.finished).toMatchObject({ code: 0 });
    await expect.poll(() => cluster.queue(), PATIENCE).toHaveLength(1);
    const { json } = await services(['status'], options);
    expect(serviceIn(json, 'echo')).toMatchObject({ status: 'running', restarts: 0 });
    await down();
  });

  it('in the queue: down alone leaves nothing there either', async () => {
    const { options, down } = await projectOnCluster();
    const blocker = await block();
    const killed = startMetalab(['services', 'up'], options);
    await untilSaid(killed, "in Slurm's queue");
    killed.kill('SIGKILL');
    expect(await metalab(['services', 'down'], options)).toMatchObject({ code: 0 });
    expect(await cluster.queue()).toHaveLength(1);
    await cluster.rig.run(['scancel', blocker]);
    await down();
  });

  it('while its job begins: another up ends with one set, and down leaves nothing', async () => {
    const { options, down } = await projectOnCluster();
    const killed = startMetalab(['services', 'up'], options);
    await expect.poll(() => cluster.queue(), PATIENCE).toHaveLength(1);
    killed.kill('SIGKILL');
    const { json, code } = await services(['up'], options);
    expect(code).toBe(0);
    expect(serviceIn(json, 'echo')).toMatchObject({ status: 'running', restarts: 0 });
    expect(await cluster.queue()).toHaveLength(1);
    await down();
  });

  it('and a down that is killed: it is carried out nevertheless', async () => {
    const { options, folder } = await projectOnCluster();
    expect((await services(['up'], options)).code).toBe(0);
    const killed = startMetalab(['services', 'down'], options);
    await untilSaid(killed, 'ending job');
    killed.kill('SIGKILL');
    await expect.poll(() => cluster.queue(), PATIENCE).toEqual([]);
    await expect.poll(() => processesWith(folder), PATIENCE).toEqual([]);
    await expect
      .poll(async () => serviceIn((await services(['status'], options)).json, 'echo').status, PATIENCE)
      .toBe('stopped');
  });
});

describe('services of one job', { timeout: 400_000 }, () => {
  it('are one set, if two processes ask for them at once', async () => {
    const { options, down } = await projectOnCluster();
    const [one, other] = await Promise.all([services(['up'], options), services(['up'], options)]);
    expect([one.code, other.code]).toEqual([0, 0]);
    const echo = serviceIn(one.json, 'echo');
    expect(serviceIn(other.json, 'echo')).toMatchObject({ port: echo.port, process_id: echo.process_id });
    expect(await cluster.queue()).toHaveLength(1);
    await down();
  });

  it('are not restarted because another one is: that is refused, and restart without a name restarts all', async () => {
    const { options, down } = await projectOnCluster('[services.chorus]\ngreeting = "we"\n');
    const { json } = await services(['up'], options);
    const refused = await metalab(['services', 'restart', 'chorus'], options);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("chorus is in one job with echo, so it can't be restarted alone");
    expect(refused.stderr).toContain('next: `metalab services restart` restarts all of them');
    const after = (await services(['status'], options)).json;
    for (const name of ['echo', 'chorus'])
      expect(serviceIn(after, name)).toMatchObject({
        status: 'running',
        process_id: serviceIn(json, name).process_id,
      });
    const restarted = await services(['restart'], options);
    expect(restarted.code).toBe(0);
    expect(restarted.stderr).toMatch(/ending job \d+, with (echo, chorus|chorus, echo) …/);
    for (const name of ['echo', 'chorus']) {
      const { process_id, port } = serviceIn(restarted.json, name);
      expect(process_id).not.toEqual(serviceIn(json, name).process_id);
      expect(port).toBe(serviceIn(json, name).port);
    }
    await down();
  });
});
