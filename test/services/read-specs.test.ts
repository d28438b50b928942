import { symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ProjectConfig } from '../../src/config/project-config.js';
import type { ResolvedEnvironment } from '../../src/config/resolved-config.js';
import { planFor, ServicePlugins } from '../../src/services/plugins.js';
import { readSpecs } from '../../src/services/read-specs.js';
import { ROOT } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { ECHO_PACKAGE } from './fixtures/echo-package.js';

test("an environment's services are the shared ones, overridden key by key, with defaults and absolute paths", async () => {
  const project = await projectWith({
    ...ECHO_PACKAGE,
    '.metalab.toml': `[services]
postgres = { port = 5433, memory = "4G" }
echo = { greeting = "hi", data = "kept" }
[environments.night]
type = "local"
services.postgres.port = 6000
services.atlas = {}
`,
    '.metalab.local.toml': 'services.postgres.password = "hunter2"',
  });
  await symlink(ROOT, project.path('node_modules/metalab'));
  const plugins = new ServicePlugins(project.folder);
  const config = (await ProjectConfig.load({ folder: project.folder, variables: {} })).resolve('night');
  const wanted = await readSpecs(config, plugins);
  expect(wanted.map(({ spec }) => spec)).toEqual([
    {
      name: 'postgres',
      config: {
        port: 6000,
        user: 'metalab',
        database: 'metalab',
        schema: 'metalab',
        password: 'hunter2',
        auth: 'scram',
        max_connections: 200,
        cpus: 1,
        memory: 4 * 2 ** 30,
      },
      resources: { cpus: 1, memory_mb: 4096 },
      consumes: [],
    },
    {
      name: 'echo',
      config: { greeting: 'hi', data: project.path('kept') },
      resources: { cpus: 1, memory_mb: 64 },
      consumes: [],
    },
    {
      name: 'atlas',
      config: { cpus: 1, memory: 2 ** 30 },
      resources: { cpus: 1, memory_mb: 1024 },
      consumes: ['store'],
    },
  ]);
});

test("a program's environment is checked by the plugins too, all mistakes at once", async () => {
  const services = { postgres: { port: 0 }, atls: {} };
  const environment: ResolvedEnvironment = { name: 'local', type: 'local', executor: {}, services };
  const config = { project: { name: null, folder: null }, environment, services: {} };
  await expect(readSpecs(config, new ServicePlugins('/'))).rejects.toMatchObject({
    code: 'METALAB_CONFIG',
    problems: [
      { where: 'services.postgres.port', expected: 'a whole number from 1 to 65535' },
      { where: 'services.atls', next: 'did you mean atlas?' },
    ],
  });
});

test('a plugin without a plan for a type of environments names those that it has', async () => {
  const found = await new ServicePlugins('/').require('atlas');
  const item = { ...found.item, plans: { slurm: async () => expect.fail('only planned') } };
  expect(() => planFor({ ...found, item }, 'local')).toThrow(
    "the service 'atlas' can't run in an environment of type local\n  expected: an environment of type slurm",
  );
  await expect(new ServicePlugins('/').require('postgre')).rejects.toThrow('did you mean postgres?');
});
