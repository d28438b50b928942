import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { bundleOf, writeBundle } from '../../src/services/bundle.js';
import { folderOf, makeFolder, placeOf } from '../../src/services/place.js';
import type { ServiceHandle } from '../../src/services/service.js';
import type { Sshd } from '../rig/sshd.mjs';
import { metalab, startMetalab } from '../support/metalab.js';
import { Scratch } from '../transport/ssh/scratch.js';
import { dial, received, TestService } from '../transport/tunnel-contract.js';

/** An address of this machine that is not the usual one, as a node's. */
const NODE = '127.0.0.2';
const PATIENCE = { timeout: 60_000 };

describe('metalab tunnel', { timeout: 180_000 }, () => {
  const scratch = new Scratch();
  const project = scratch.path('project');
  let env: NodeJS.ProcessEnv;
  let sshd: Sshd;
  let database: TestService;
  let dashboard: TestService;
  const started: ReturnType<typeof startMetalab>[] = [];

  beforeAll(async () => {
    sshd = await scratch.start();
    database = await TestService.start(0, NODE);
    database.serve((socket) => socket.end('the database'));
    dashboard = await TestService.start(0, NODE);
    dashboard.serve((socket) => socket.end('the dashboard'));
    mkdirSync(project);
    writeFileSync(
      scratch.path('project/.metalab.toml'),
      `[environments.cluster]
type = "slurm"
file_root = "/scratch"
gateway = "${sshd.user}@rig"
`,
    );
    writeFileSync(
      scratch.path('ssh_config'),
      `Host rig\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile "${sshd.key}"\n  UserKnownHostsFile "${sshd.knownHosts}"\n`,
    );
    env = {
      METALAB_HOME: scratch.path('home'),
      METALAB_SSH_CONFIG: scratch.path('ssh_config'),
      METALAB_ENV: 'cluster',
    };
    await say({ postgres: database, atlas: dashboard });
  });
  afterEach(async () => {
    for (const child of started.splice(0)) {
      child.kill('SIGKILL');
      await child.finished;
    }
  });
  afterAll(async () => {
    await database.stop();
    await dashboard.stop();
    await scratch.close();
  });

  /** Writes the bundle. */
  async function say(services: { readonly [name: string]: TestService }, host = NODE): Promise<void> {
    const config = await resolveConfig('cluster', { folder: project });
    const place = placeOf(config);
    makeFolder(place, env);
    const handles = Object.entries(services).map(
      ([name, { target }]): ServiceHandle => ({
        ...{ name, host, port: target.port, status: 'running', credentials: null },
        ...{
          process_id: { job: '1' },
          since: '2026-01-01T00:00:00Z',
          restarts: 0,
          log: '/log',
          metadata: {},
        },
        provides:
          name === 'postgres' ? [{ kind: 'store', value: `postgresql://me@${host}:${target.port}/lab` }] : [],
      }),
    );
    const about = { project_folder: project, environment_type: 'slurm' };
    writeBundle(folderOf(place, env), bundleOf(place, about, handles));
  }

  function start(...args: string[]) {
    const child = startMetalab(['tunnel', ...args], { cwd: project, env });
    started.push(child);
    let stdout = '';
    child.stdout?.on('data', (text: string) => {
      stdout += text;
    });
    const portOf = async (service: string) => {
      const shown = new RegExp(`^${service} at 127\\.0\\.0\\.1:(\\d+)`, 'm');
      await expect.poll(() => stdout + child.stderrSoFar(), PATIENCE).toMatch(shown);
      return Number(shown.exec(stdout)![1]);
    };
    return Object.assign(child, { portOf, stdoutSoFar: () => stdout });
  }

  const answer = async (port: number) =>
    (await received(dial({ host: '127.0.0.1', port })).catch(() => 'reset')).toString();

  it('leads to all services through the gateway, says where they are, and ends with Ctrl-C', async () => {
    const tunnel = start();
    const [postgres, atlas] = [await tunnel.portOf('postgres'), await tunnel.portOf('atlas')];
    expect(await answer(postgres)).toBe('the database');
    expect(await answer(atlas)).toBe('the dashboard');
    expect(tunnel.stdoutSoFar()).toContain(`  store: postgresql://me@127.0.0.1:${postgres}/lab\n`);
    expect(sshd.sessions().length).toBeGreaterThan(0);
    tunnel.kill('SIGINT');
    expect(await tunnel.finished).toMatchObject({ code: 130, stderr: '' });
    expect(await answer(postgres)).toBe('reset');
  });

  it('goes on when the gateway restarts, and says meanwhile why a connection failed', async () => {
    const tunnel = start('--service', 'postgres');
    const port = await tunnel.portOf('postgres');
    expect(await answer(port)).toBe('the database');
    await sshd.stop();
    expect(await answer(port)).toBe('reset');
    await expect.poll(tunnel.stderrSoFar, PATIENCE).toMatch(/postgres: .*(can't be reached|lost)/);
    await sshd.start();
    await expect.poll(() => answer(port), PATIENCE).toBe('the database');
  });

  it('leads to where a service has moved, on the same port, and waits while it is down', async () => {
    const tunnel = start('--service', 'postgres');
    const port = await tunnel.portOf('postgres');
    await say({ atlas: dashboard });
    await expect.poll(tunnel.stderrSoFar, PATIENCE).toContain('postgres is not running: waiting');
    const moved = await TestService.start(0, NODE);
    moved.serve((socket) => socket.end('moved'));
    await say({ postgres: moved, atlas: dashboard });
    await expect.poll(tunnel.stderrSoFar, PATIENCE).toContain(`leads to 127.0.0.2:${moved.target.port}`);
    expect(await answer(port)).toBe('moved');
    await moved.stop();
    await say({ postgres: database, atlas: dashboard });
  });

  it('says which port is busy, and by whom', async () => {
    const holder = spawn(process.execPath, [
      '-e',
      "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); })",
    ]);
    const port = Number(String((await once(holder.stdout!, 'data'))[0]));
    const { code, stderr } = await start('--service', 'postgres', '--port', `${port}`).finished;
    holder.kill();
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`port ${port} is in use by \\S+, pid ${holder.pid}`));
  });

  it('prints an ssh command that does the same', async () => {
    const { stdout } = await metalab(['tunnel', '--print'], { cwd: project, env });
    const ports = [...stdout.matchAll(/-L 127\.0\.0\.1:(\d+):127\.0\.0\.2:\d+/g)].map(([, port]) =>
      Number(port),
    );
    expect(ports).toHaveLength(2);
    const words = stdout.trim().split(' ').slice(1);
    const ssh = spawn('ssh', ['-F', scratch.path('ssh_config'), '-o', 'LogLevel=ERROR', ...words]);
    try {
      await expect.poll(() => answer(ports[0]!), PATIENCE).toBe('the database');
      expect(await answer(ports[1]!)).toBe('the dashboard');
    } finally {
      ssh.kill();
    }
  });

  it('refuses what it can not do, and says what to do', async () => {
    const refusal = async (...args: string[]) => (await start(...args).finished).stderr;
    expect(await refusal('--service', 'postgress')).toMatch(
      /no service 'postgress'[\s\S]*did you mean postgres\?/,
    );
    expect(await refusal('--port', '5433')).toMatch(/--port[\s\S]*2 services[\s\S]*--service/);
    expect(await refusal('--env', 'local')).toMatch(
      /no services of it run[\s\S]*metalab services up --env local/,
    );
    await say({ postgres: database }, '127.0.0.1');
    expect(await refusal()).toContain(
      `no tunnel is needed: postgres is at 127.0.0.1:${database.target.port}`,
    );
    await say({ postgres: database, atlas: dashboard });
  });
});
