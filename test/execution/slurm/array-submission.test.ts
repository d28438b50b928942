import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import type { Transport } from '../../../src/transport/transport.js';
import { lostError } from '../../../src/transport/transport-error.js';
import { body } from '../local/sweep.js';
import { type ClusterSweep, type ClusterSweepOptions, PATIENCE, useClusterSweeps } from './cluster-sweep.js';

const { rig, sweepOf, jobsNamed } = await useClusterSweeps({ minJobAgeSeconds: 20 });

const wait = (ms: number) => `return new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const QUICK = body("capture.metric('x', params.x);");

/** Its connection breaks after the next command whose words or output hold the first of `lose`. */
function lossySweepOf(options: ClusterSweepOptions): {
  readonly sweep: ClusterSweep;
  readonly lose: string[];
} {
  const lose: string[] = [];
  const shell = createShellTransport();
  const broken = (text: string) =>
    lose[0] !== undefined && text.includes(lose[0]) && lose.shift() !== undefined;
  const transport: Transport = {
    ...shell,
    run: async (command, asked) => {
      const result = await shell.run(command, asked);
      if (broken(`${command.join(' ')} ${result.stdout}`)) throw lostError('the rig');
      return result;
    },
    stream: async (command, asked) => {
      const { stdout, ended } = await shell.stream(command, asked);
      async function* cut() {
        for await (const piece of stdout) {
          const whole = !(lose[0] === '@bytes' && piece.length > 1_000 && lose.shift());
          yield whole ? piece : piece.subarray(0, piece.length / 2);
          if (!whole) throw lostError('the rig');
        }
      }
      return { stdout: cut(), ended };
    },
  };
  return { sweep: sweepOf(options, transport), lose };
}

test('execute() with the same token continues the same array, and submits nothing twice', async () => {
  const sweep = sweepOf({ code: body(wait(3000)), cases: 4 });
  const first = sweep.execute().catch((error) => error.code);
  await expect.poll(() => sweep.last?.running, PATIENCE).toBeGreaterThan(0);
  sweep.stop('yield');
  expect(await first).toBe('CLOSED');
  sweep.executor = sweep.makeExecutor();
  expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
  expect(await jobsNamed(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
  expect(sweep.records).toHaveLength(4);
  expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
});

test('a connection that breaks anywhere still gives one array and one record per run', async () => {
  const { sweep, lose } = lossySweepOf({ code: QUICK, cases: 40 });
  // After sbatch, twice, so that its answer is lost; and in the middle of what is collected.
  lose.push('mkdir submit', 'mkdir submit', '@bytes', '@bytes');
  expect(await sweep.execute()).toMatchObject({ success: 40, left: [] });
  expect(lose).toEqual([]);
  expect(await jobsNamed(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
  expect(sweep.records.map(({ index }) => index)).toEqual([...Array(40).keys()]);
});

test('an array that is still being submitted when its sweep is cancelled starts no run', async () => {
  const shell = createShellTransport();
  let stop: (() => void) | undefined;
  // Its connection is lost while sbatch, which takes its time, goes on.
  const transport: Transport = {
    ...shell,
    run: async (command, asked) => {
      const cancel = command.some((word) => word.includes('sbatch --parsable')) ? stop : undefined;
      if (!cancel) return shell.run(command, asked);
      stop = undefined;
      void shell.run(['env', `PATH=${slow}:${process.env.PATH}`, ...command]).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1000));
      cancel();
      throw lostError('the rig');
    },
  };
  const sweep = sweepOf({ code: QUICK, cases: 4, config: { chunk_size: 1 } }, transport);
  stop = () => sweep.stop('cancel');
  const slow = join(sweep.sweep.root, 'slow');
  mkdirSync(slow);
  writeFileSync(join(slow, 'sbatch'), `#!/bin/sh\nsleep 5\nPATH='${process.env.PATH}' exec sbatch "$@"\n`, {
    mode: 0o755,
  });
  const name = `metalab-${sweep.token}`;
  expect(await sweep.execute()).toMatchObject({ success: 0, failed: 0, left: [{ from: 0, to: 4 }] });
  await expect.poll(() => jobsNamed(name), PATIENCE).toHaveProperty('size', 1);
  const going = async () =>
    (await rig.run(['squeue', '-h', `--name=${name}`])).stdout.trim() === '' ? 'none' : 'some';
  await expect.poll(going, PATIENCE).toBe('none');
  await sweep.executor.collect({ folder: sweep.sweep.folder, experiment_id: 'sweep:1' });
  // Nothing has recorded anything.
  expect(existsSync(join(sweep.sweep.folder, 'segments', 's1'))).toBe(false);
});

test('a submission with no recorded result is found by its job name, or submitted again', async () => {
  const sweep = sweepOf({ code: QUICK, cases: 4 });
  const folder = join(sweep.fileRoot, 'sweep@1', 'submissions', 's1', 'arrays', sweep.token);
  // A job of that name is there, of which no note was made.
  await rig.submit('sleep 8', [`--job-name=metalab-${sweep.token}`, '--array=0-3']);
  mkdirSync(join(folder, 'submit'), { recursive: true });
  writeFileSync(join(folder, 'submit', 'by'), `${hostname()} 999999\n`);
  const report = await sweep.execute();
  expect(await jobsNamed(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
  expect(report).toMatchObject({ success: 0, left: [{ from: 0, to: 4 }] });
  // Nothing is there, and its owner is known to be gone.
  const token = 'aaaabbbbccccdddd';
  const other = folder.replace(sweep.token, token);
  mkdirSync(join(other, 'submit'), { recursive: true });
  writeFileSync(join(other, 'submit', 'by'), `${hostname()} 999999\n`);
  expect(await sweep.execute({ token })).toMatchObject({ success: 4, left: [] });
  expect(await jobsNamed(`metalab-${token}`)).toHaveProperty('size', 1);
});

test('more tasks than the user may submit go in waves, without an error of sbatch', async () => {
  await rig.setLimits('user', { MaxSubmitJobs: 6 });
  try {
    const sweep = sweepOf({ code: QUICK, cases: 24, config: { chunk_size: 2 } });
    const { at_once, most } = await sweep.executor.dealing(sweep.order());
    expect({ at_once, most }).toEqual({ at_once: 3, most: 4 });
    const waves = [...Array(6).keys()].map((wave) =>
      sweep.execute({ token: `${wave}`.repeat(16), ranges: [{ from: 4 * wave, to: 4 * wave + 4 }] }),
    );
    const reports = await Promise.all(waves);
    expect(reports.map(({ success }) => success)).toEqual(Array(6).fill(4));
    expect(sweep.records).toHaveLength(24);
  } finally {
    await rig.setLimits('user', { MaxSubmitJobs: -1 });
  }
});
