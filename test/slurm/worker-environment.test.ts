import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { metalab } from '../support/metalab.js';
import { until } from '../support/until.js';
import { Terminal } from '../terminal/tmux.js';
import { useCluster } from './cluster.js';

const cluster = await useCluster();
const { rig } = cluster;

/** An agent that has the key of the rig's gateway. */
async function startAgent(
  name: string,
): Promise<{ readonly socket: string; readonly process: ChildProcess }> {
  const socket = join(rig.folder, name);
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  onTestFinished(() => void agent.kill());
  await until(() => existsSync(socket));
  execFileSync('ssh-add', ['-q', rig.gateway.key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  return { socket, process: agent };
}

it('a worker reaches the gateway with the SSH configuration and agent of the last submit or login', async () => {
  const config = join(rig.folder, 'config-without-key');
  const lines = readFileSync(rig.gateway.sshConfig, 'utf8').split('\n');
  writeFileSync(config, lines.filter((line) => !/Identit/.test(line)).join('\n'));
  const first = await startAgent('agent-1');
  const { METALAB_HOME, TEMPORAL_ADDRESS } = cluster.env;
  const { code, stderr } = await metalab(['engine', 'start'], {
    env: { METALAB_HOME, TEMPORAL_ADDRESS, SSH_AUTH_SOCK: join(rig.folder, 'no-agent') },
  });
  expect(code, stderr).toBe(0);

  Object.assign(cluster.env, { METALAB_SSH_CONFIG: config, SSH_AUTH_SOCK: first.socket });
  const sweep = await cluster.project({ xs: 8 }, ['chunk_size = 1']);
  const go = sweep.project.path('go');
  await sweep.write({ xs: 8, body: `while (!existsSync(${JSON.stringify(go)})) await sleep(50);` }, [
    'chunk_size = 1',
  ]);
  const submit = sweep.submit();
  await until(() => sweep.executions.length > 0, 120);

  // As after a logout: the agent is gone, and so is the connection.
  first.process.kill();
  await rig.killGatewaySessions();
  await until(async () => (await sweep.status()).state === 'waiting', 120);
  await submit.finished;
  const second = await startAgent('agent-2');
  const terminal = await Terminal.open(sweep.project.folder, 120, {
    ...(cluster.env as Record<string, string>),
    SSH_AUTH_SOCK: second.socket,
  });
  await terminal.type('metalab env login cluster');
  await terminal.waitFor(/logged in to rig/);
  writeFileSync(go, '');
  cluster.env.SSH_AUTH_SOCK = second.socket;
  expect(await sweep.finish()).toMatchObject({ success: 8 });
  expect(sweep.executions).toHaveLength(8);
}, 900_000);
