import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { starterText } from '../../src/config/init-project.js';
import { ProjectConfig } from '../../src/config/project-config.js';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { shortPath } from '../../src/config/toml-file.js';
import { type Project, projectWith } from '../support/project.js';

const CLUSTER = `[project]
name = "lab"
default_env = "cluster"
[environments.cluster]
type = "slurm"
file_root = "~/metalab"
gateway = "me@login"
ssh_key = "keys/id"
jump_hosts = "bastion"
store = "results"
executor = { partition = "short", time = "1-12:00:00", memory = "32G", gpus = 2, setup = """
a
b""", escalate.memory = 1.5 }
[environments.cluster.services.postgres]
database = "lab"
memory = "4G"
[services.atlas]
port = 80
`;

const load = (project: Project, variables: NodeJS.ProcessEnv = {}, folder = project.folder) =>
  ProjectConfig.load({ folder, variables });

test('an environment comes out as plain frozen data, paths absolute and amounts in their units', async () => {
  const project = await projectWith({ '.metalab.toml': CLUSTER });
  const config = (await load(project)).resolve();
  expect(config).toEqual({
    project: { name: 'lab', folder: project.folder },
    environment: {
      name: 'cluster',
      type: 'slurm',
      store: project.path('results'),
      file_root: 'metalab',
      gateway: { host: 'login', user: 'me', ssh_key: project.path('keys/id'), jump: ['bastion'] },
      services: { postgres: { database: 'lab', memory: '4G' } },
      executor: {
        partition: 'short',
        time_s: 129_600,
        memory_bytes: 32 * 2 ** 30,
        gpus: '2',
        modules: [],
        setup: ['a\nb'],
        extra_sbatch: [],
        escalate: { memory: 1.5, time: 1, max: 2 },
      },
    },
    services: { atlas: { port: 80 } },
  });
  expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  expect(() => Object.assign(config.environment.services.postgres as object, { database: 'x' })).toThrow(
    TypeError,
  );
  expect(() => Object.assign(config, { environment: null })).toThrow(TypeError);
});

test('the files are found from any folder below, the nearest first, the local one alone too', async () => {
  const project = await projectWith({
    '.metalab.toml': 'project.name = "outer"',
    'a/b/c/file': '',
    'a/b/.metalab.local.toml': 'project.name = "inner"',
  });
  const nameFrom = async (folder: string) =>
    (await load(project, {}, project.path(folder))).resolve().project;
  expect(await nameFrom('a/b/c')).toEqual({ name: 'inner', folder: project.path('a/b') });
  expect(await nameFrom('a')).toEqual({ name: 'outer', folder: project.folder });
});

test('the local file is merged deeply over the base: values, environments, services, the default and types', async () => {
  const project = await projectWith({
    '.metalab.toml': CLUSTER,
    '.metalab.local.toml': `project.default_env = "mine"
environments.cluster.executor.partition = "long"
environments.cluster.executor.setup = ["c"]
services.atlas.cpus = 2
services.postgres = {}
[environments.mine]
type = "local"
executor.slots = 3
`,
  });
  const config = await load(project);
  expect(config.resolve().environment).toMatchObject({ name: 'mine', type: 'local', executor: { slots: 3 } });
  const { environment, services, project: named } = config.resolve('cluster');
  expect(environment).toMatchObject({
    gateway: { host: 'login' },
    executor: { partition: 'long', setup: ['c'], time_s: 129_600 },
  });
  expect(services).toEqual({ atlas: { port: 80, cpus: 2 }, postgres: {} });
  expect(named.name).toBe('lab');
  expect(config.environments).toEqual([
    { name: 'local', type: 'local' },
    { name: 'cluster', type: 'slurm' },
    { name: 'mine', type: 'local' },
  ]);
});

test('a type that the local file changes keeps of the base what fits, and nothing else', async () => {
  const project = await projectWith({
    '.metalab.toml': CLUSTER,
    '.metalab.local.toml': '[environments.cluster]\ntype = "local"\nexecutor.slots = 2\n',
  });
  expect((await load(project)).resolve().environment).toEqual({
    name: 'cluster',
    type: 'local',
    store: project.path('results'),
    services: { postgres: { database: 'lab', memory: '4G' } },
    executor: { slots: 2 },
  });
});

test('a value is that of the option, else of the variable, else of the file; show says which', async () => {
  const project = await projectWith({
    '.metalab.toml': 'environments.local.store = "a"\nenvironments.local.executor.slots = 1\n',
  });
  const both = { METALAB_SLOTS: '2', METALAB_STORE: '~/b', HOME: '/home/me' };
  const values = async (variables: NodeJS.ProcessEnv, flags = {}) => {
    const config = await load(project, variables);
    const { store, executor } = config.resolve(undefined, flags).environment as {
      store?: string;
      executor?: { slots?: number };
    };
    const from = config.explain(undefined, flags).map((value) => `${value.key}: ${value.from}`);
    return [store, executor?.slots, from.map((line) => line.replace(`${shortPath(project.folder)}/`, ''))];
  };
  const file = '.metalab.toml';
  expect(await values({})).toEqual([
    project.path('a'),
    1,
    ['type: default', `store: ${file}:1`, `executor.slots: ${file}:2`].map((line) =>
      line.replace('type: default', `type: ${file}:1`),
    ),
  ]);
  expect(await values(both)).toEqual([
    '/home/me/b',
    2,
    [`type: ${file}:1`, 'store: METALAB_STORE', 'executor.slots: METALAB_SLOTS'],
  ]);
  expect(await values(both, { 'executor.slots': 3, store: '/c' })).toEqual([
    '/c',
    3,
    [`type: ${file}:1`, 'store: --store', 'executor.slots: --slots'],
  ]);
});

test('the environment is the one asked for, else METALAB_ENV, else default_env, else local', async () => {
  const project = await projectWith({ '.metalab.toml': CLUSTER });
  const nameOf = async (variables: NodeJS.ProcessEnv, asked?: string) =>
    (await load(project, variables)).resolve(asked).environment.name;
  expect(await nameOf({ METALAB_ENV: 'cluster' }, 'local')).toBe('local');
  expect(await nameOf({ METALAB_ENV: 'local' })).toBe('local');
  expect(await nameOf({})).toBe('cluster');
  await project.write({ '.metalab.toml': CLUSTER.replace('default_env', '# default_env') });
  expect(await nameOf({})).toBe('local');
});

test('every key of a cluster has its variable: numbers, amounts, lists by lines, what the file lacks', async () => {
  const project = await projectWith({ '.metalab.toml': '[environments.c]\ntype = "slurm"\n' });
  const config = await load(project, {
    METALAB_FILE_ROOT: '~/spool',
    METALAB_PARTITION: '1234',
    METALAB_CPUS: '4',
    METALAB_TIME: '90m',
    METALAB_GPUS: 'a100:2',
    METALAB_MODULES: 'gcc\ncuda',
    METALAB_QOS: '',
  });
  expect(config.resolve('c').environment).toMatchObject({
    file_root: join(homedir(), 'spool'),
    executor: { partition: '1234', cpus: 4, time_s: 5400, gpus: 'a100:2', modules: ['gcc', 'cuda'] },
  });
  expect(config.resolve('c').environment).not.toHaveProperty('executor.qos');
});

test('without files there is the environment local, with or without what loads the parser', async () => {
  const project = await projectWith({});
  const bare = await resolveConfig(undefined, { folder: project.folder, variables: { METALAB_STORE: '/s' } });
  const loaded = await load(project, { METALAB_STORE: '/s' });
  expect(bare).toEqual(loaded.resolve());
  expect(bare.environment).toEqual({ name: 'local', type: 'local', store: '/s', services: {}, executor: {} });
  expect(Object.isFrozen(bare.environment)).toBe(true);
  await expect(resolveConfig('cluster', { folder: project.folder, variables: {} })).rejects.toMatchObject({
    code: 'METALAB_ENVIRONMENT',
    expected: 'one of local',
  });
});

test("init's starter is right as it is, and with its comment signs taken away", async () => {
  const starter = starterText('my "lab"');
  const project = await projectWith({ '.metalab.toml': starter });
  expect((await load(project)).resolve()).toMatchObject({
    project: { name: 'my "lab"' },
    environment: { name: 'local', store: project.path('experiments') },
  });
  const all = starter.replace(/^# ?(?=\w+ = |\[)/gm, '');
  expect(all).toMatch(/^slots = 4$/m);
  await project.write({ '.metalab.toml': all });
  const { environment } = (await load(project)).resolve('cluster');
  expect(environment).toMatchObject({ type: 'slurm', gateway: { host: 'login.cluster.example', port: 22 } });
  expect(Object.keys('executor' in environment ? environment.executor : {})).toHaveLength(18);
});
