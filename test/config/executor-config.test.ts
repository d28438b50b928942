import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type ExecutorConfig, environmentOfConfig } from '../../src/config/executor-config.js';

/** As JavaScript calls it. */
const mistakesOf = (config: object) =>
  environmentOfConfig(config as ExecutorConfig).catch((error) => Promise.reject(new Error(error.message)));

it('plain data says what an environment of .metalab.toml does, the keys of its executor beside the others', async () => {
  expect(await environmentOfConfig({ type: 'local', slots: 8 })).toEqual({
    name: 'local',
    type: 'local',
    services: {},
    executor: { slots: 8 },
  });
  const nested = await environmentOfConfig({ type: 'local', executor: { slots: 8 }, store: 'here' });
  expect(nested).toMatchObject({ store: resolve('here'), executor: { slots: 8 } });
  const cluster = await environmentOfConfig({
    type: 'slurm',
    gateway: 'me@login.cluster.edu',
    file_root: '~/metalab',
    ssh_key: '~/.ssh/lab',
    partition: 'short',
    time: '2h',
    executor: { memory: '4G' },
  });
  expect(cluster).toMatchObject({
    name: 'slurm',
    type: 'slurm',
    file_root: 'metalab',
    gateway: { host: 'login.cluster.edu', user: 'me', ssh_key: resolve(homedir(), '.ssh/lab') },
    executor: { partition: 'short', time_s: 7200, memory_bytes: 4 * 2 ** 30 },
  });
});

it('all mistakes of plain data are reported together, by key', async () => {
  await expect(mistakesOf({ type: 'local', slots: 0, stroe: 'x', store: 3 })).rejects.toThrow(
    /3 problems[\s\S]*executor\.store is 3[\s\S]*no key 'stroe'[\s\S]*did you mean store\?[\s\S]*executor\.slots is 0[\s\S]*a whole number from 1 to 1000/,
  );
  await expect(mistakesOf({ type: 'slrum', partition: 3, file_root: '~/m' })).rejects.toThrow(
    /2 problems[\s\S]*no type of environments 'slrum'[\s\S]*did you mean slurm\?[\s\S]*executor\.partition is 3/,
  );
  await expect(mistakesOf({ slots: 2 })).rejects.toThrow(/executor has no type[\s\S]*one of local, slurm/);
  await expect(mistakesOf({ type: 'local', slots: 2, executor: { slots: 3 } })).rejects.toThrow(
    /slots twice/,
  );
  const unreachable = { type: 'slurm', file_root: '~/m', user: 'me', port: 22 };
  await expect(mistakesOf(unreachable)).rejects.toThrow(/2 problems[\s\S]*user says how[\s\S]*port says how/);
});
