import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.js';
import { processesOf } from './processes.mjs';
import { run } from './run.mjs';
import { useRig } from './use-rig.js';

const rig = await useRig();

const stateOf = async (job: string) =>
  (await rig.run(['squeue', '-h', '-t', 'all', '-j', job, '-o', '%T'])).stdout.trim();
/** Of the job itself, every time that it ran, in order. */
const accountOf = async (job: string, fields = 'State') =>
  (await rig.run(['sacct', '-nPDX', '-j', job, '-o', fields])).stdout.trim().split('\n');
const reached = (job: string, state: string) => expect.poll(() => stateOf(job), PATIENCE).toBe(state);
const recorded = (job: string, states: readonly string[]) =>
  expect.poll(() => accountOf(job), PATIENCE).toEqual(states);
const PATIENCE = { timeout: 135_000, interval: 200 };

describe("the rig's Slurm", { timeout: 360_000 }, () => {
  test('runs an array on both nodes, and accounts for it', async () => {
    const job = await rig.submit('sleep 1; echo "$SLURM_ARRAY_TASK_ID on $SLURMD_NODENAME"', [
      '--array=0-3',
      '--output=%a.out',
    ]);
    await recorded(job, Array(4).fill('COMPLETED'));
    const lines = [0, 1, 2, 3].map((task) => readFileSync(join(rig.folder, 'home', `${task}.out`), 'utf8'));
    expect(new Set(lines.map((line) => line.trim().split(' on ')[1]))).toEqual(new Set(['n1', 'n2']));
  });

  test("gives a job a home in its folder, without the user's profile", async () => {
    await recorded(await rig.submit('echo "$HOME"', ['--output=home.out']), ['COMPLETED']);
    expect(readFileSync(join(rig.home, 'home.out'), 'utf8').trim()).toBe(rig.home);
  });

  test('tells how much memory a job took, and ends it where it takes more than it may', async () => {
    // Held in the shell's own memory, and long enough to be measured.
    const lines = 'text=$(head -c 60000000 /dev/zero | tr "\\0" x); sleep 25; : "$text"';
    const good = await rig.submit(lines, ['--mem=500']);
    const greedy = await rig.submit(lines, ['--mem=20']);
    await recorded(good, ['COMPLETED']);
    await recorded(greedy, ['OUT_OF_MEMORY']);
    const { stdout } = await rig.run(['sacct', '-nP', '-j', `${good}.batch`, '-o', 'MaxRSS']);
    expect(Number.parseInt(stdout, 10)).toBeGreaterThan(50_000);
  });

  test('loses what runs on a node that dies, or runs it again', async () => {
    // The first time it lasts until its node dies.
    const again = await rig.submit('if mkdir begun; then sleep 60; fi', ['--nodelist=n1']);
    const lost = await rig.submit('sleep 60', ['--nodelist=n1', '--no-requeue']);
    await expect.poll(() => existsSync(join(rig.folder, 'home', 'begun')), PATIENCE).toBe(true);
    await reached(lost, 'RUNNING');
    await rig.killNode('n1');
    expect(processesOf(rig.folder, { node: 'n1' })).toEqual([]);
    await rig.setNodeDown('n1');
    await recorded(lost, ['NODE_FAIL']);
    await rig.startNode('n1');
    await rig.resumeNode('n1');
    await recorded(again, ['NODE_FAIL', 'COMPLETED']);
  });

  test('takes a node from a job that is only a guest, is asked to requeue, and to cancel', async () => {
    const everything = ['--nodes=2', '--exclusive'];
    const guest = await rig.submit('sleep 60', ['--partition=spare', ...everything]);
    await reached(guest, 'RUNNING');
    const host = await rig.submit('sleep 1', everything);
    await reached(host, 'COMPLETED');
    await reached(guest, 'RUNNING');
    await rig.control(['requeue', guest]);
    await reached(guest, 'PENDING');
    await rig.run(['scancel', guest]);
    await expect
      .poll(() => accountOf(guest), PATIENCE)
      .toEqual(['PREEMPTED', 'REQUEUED', expect.stringMatching(/^CANCELLED/)]);
  });

  test('ends a job whose time is over', async () => {
    const job = await rig.submit('sleep 600');
    await reached(job, 'RUNNING');
    await rig.endTimeOf(job);
    await recorded(job, ['TIMEOUT']);
  });

  test('refuses what is over a limit, and says which', async () => {
    const limits = [
      ['qos', { MaxSubmitJobsPerUser: 3 }, 'QOSMaxSubmitJobPerUserLimit'],
      ['user', { MaxSubmitJobs: 3 }, 'AssocMaxSubmitJobLimit'],
    ] as const;
    for (const [of, limit, message] of limits) {
      await rig.setLimits(of, limit);
      await expect(rig.submit('true', ['--array=0-9'])).rejects.toThrow(message);
      await rig.setLimits(of, Object.fromEntries(Object.keys(limit).map((name) => [name, -1])));
    }
    await expect(rig.submit('true', ['--array=0-1001'])).rejects.toThrow('Invalid job array specification');
    await rig.submit('true', ['--array=0-9']);
  });

  test('stops and starts its controller and its accounting', async () => {
    await rig.stopAccounting();
    const meanwhile = await rig.submit('true');
    expect((await rig.run(['sacct'])).code).not.toBe(0);
    await rig.startAccounting();
    await recorded(meanwhile, ['COMPLETED']);
    await rig.stopController();
    expect((await rig.run(['scontrol', 'ping'])).stdout).toContain('DOWN');
    await rig.startController();
    await reached(await rig.submit('true'), 'COMPLETED');
  });
});

describe("the rig's gateway", { timeout: 180_000 }, () => {
  const ssh = (...command: string[]) => rig.run(['ssh', '-F', rig.gateway.sshConfig, 'rig', ...command]);

  test("leads to the rig's Slurm, and to a home in its folder", async () => {
    writeFileSync(join(rig.folder, 'home', 'job.sh'), '#!/bin/sh\nhostname\n');
    const { code, stdout, stderr } = await ssh(
      'pwd; sinfo -h -o %P; sbatch --parsable --wait job.sh; sacct -n | wc -l',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [home, ...rest] = stdout.trim().split('\n');
    expect(home).toBe(join(rig.folder, 'home'));
    expect(rest.slice(0, 3)).toEqual(['main*', 'short', 'spare']);
    expect(Number(rest[3])).toBeGreaterThan(0);
  });

  test('is cut off, goes away and comes back, while what was started through it goes on', async () => {
    const cut = ssh('echo here >there; sleep 1; echo still >there; sleep 60');
    await expect.poll(() => existsSync(join(rig.folder, 'home', 'there')), PATIENCE).toBe(true);
    await rig.killGatewaySessions();
    expect((await cut).code).toBe(255);
    await expect
      .poll(() => readFileSync(join(rig.folder, 'home', 'there'), 'utf8'), PATIENCE)
      .toBe('still\n');
    let answered = false;
    const silent = ssh('echo here >connected; sleep 2; echo awake').then((finished) => {
      answered = true;
      return finished;
    });
    await expect.poll(() => existsSync(join(rig.folder, 'home', 'connected')), PATIENCE).toBe(true);
    rig.freezeGatewaySessions();
    await sleep(3_000);
    expect(answered).toBe(false);
    rig.thawGatewaySessions();
    expect((await silent).stdout).toBe('awake\n');
    await rig.stopGateway();
    expect((await ssh('true')).code).toBe(255);
    await rig.startGateway();
    expect((await ssh('true')).code).toBe(0);
  });

  test('leaves no connection behind that it accepted as it went away', async () => {
    for (let round = 0; round < 5; round++) {
      const sockets: Socket[] = [];
      const connecting = setInterval(() => {
        const { host, port } = rig.gateway;
        sockets.push(createConnection({ host, port }).on('error', () => {}));
      }, 1);
      await until(() => sockets.length > 20);
      await rig.stopGateway();
      clearInterval(connecting);
      expect(sshdOf(rig.folder)).toEqual([]);
      for (const socket of sockets) socket.destroy();
      await rig.startGateway();
    }
  });
});

/** Command lines of the SSH servers that a rig has running, and of their sessions. */
const sshdOf = (folder: string) =>
  processesOf(folder)
    .map(({ pid }) => commandLineOf(pid))
    .filter((line) => line.includes('sshd'));

/** Empty if the process has ended: Slurm's come and go. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('a rig', { timeout: 180_000 }, () => {
  test('listens on this machine only', async () => {
    const { stdout } = await rig.run(['ss', '-Hltnp']);
    const own = new Set(processesOf(rig.folder).map(({ pid }) => `pid=${pid},`));
    const addresses = stdout.split('\n').filter((line) => [...own].some((pid) => line.includes(pid)));
    const open = addresses.filter((line) => !line.includes('127.0.0.1:'));
    // slurmdbd can't be told an address; it talks only to who has the rig's munge key.
    expect(open.filter((line) => !line.includes('slurmdbd'))).toEqual([]);
    expect(addresses.length).toBeGreaterThan(4);
  });

  test.each(['taken down', 'left by a process that was killed'])(
    '%s leaves no process and no file',
    async (how) => {
      const script = `
      import { startRig } from ${JSON.stringify(new URL('start.mjs', import.meta.url).href)};
      const rig = await startRig({ accounting: false });
      await rig.submit('sleep 600 & setsid sleep 600');
      console.log(rig.folder, (await rig.run(['ssh', '-F', rig.gateway.sshConfig, 'rig', 'nohup sleep 600 >/dev/null 2>&1 &'])).code);
      ${how === 'taken down' ? 'await rig.down();' : "process.kill(process.pid, 'SIGKILL');"}`;
      const { stdout } = await run([process.execPath, '--input-type=module', '--eval', script], {
        env: process.env,
        cwd: fileURLToPath(new URL('.', import.meta.url)),
      });
      const [folder = '', code] = stdout.trim().split(' ');
      expect(code).toBe('0');
      await expect.poll(() => existsSync(folder), PATIENCE).toBe(false);
      await expect.poll(() => namedBy(folder), PATIENCE).toEqual([]);
    },
  );
});

/** The processes with a text in their environment or their arguments, whatever the rig knows of them. */
async function namedBy(text: string): Promise<string[]> {
  const script = 'cd /proc && grep -l "$TEXT" [0-9]*/environ [0-9]*/cmdline 2>/dev/null';
  const { stdout } = await run(['sh', '-c', script], {
    env: { PATH: process.env.PATH, TEXT: text },
    cwd: '/',
  });
  const pids = new Set(
    stdout
      .trim()
      .split('\n')
      .map((path) => path.split('/')[0] ?? ''),
  );
  // Of the search itself nothing is left.
  return [...pids].filter((pid) => pid !== '' && existsSync(`/proc/${pid}/comm`));
}
