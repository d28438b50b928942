import { readFile, symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ProjectConfig } from '../../src/config/project-config.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, ROOT, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { recordsIn } from '../support/records.js';

/** A package as somebody would publish it: a type of environments, its executor, a kind of stores. */
const PACKAGE = {
  'node_modules/@lab/queue/package.json': JSON.stringify({
    name: '@lab/queue',
    version: '1.0.0',
    type: 'module',
    metalab: {
      environments: { queue: './env.js', broken: './nowhere.js' },
      executors: { queue: './executor.js' },
      stores: { shelf: './store.js', attic: './attic.js' },
    },
  }),
  'node_modules/@lab/queue/env.js': `import { z } from 'metalab';
export default {
  schema: z.strictObject({
    key: z.string().optional(),
    executor: z.strictObject({ lanes: z.int().min(1), queue: z.string() }),
  }),
  paths: ['key'],
  defaults: { key: 'none' },
};`,
  'node_modules/@lab/queue/executor.js': `export default (environment, { createSlots }) => {
  const { lanes, queue } = environment.settings.executor;
  return createSlots({ executor: 'queue', lanes, queue });
};`,
  'node_modules/@lab/queue/store.js': "export default (location) => './' + location.split('//')[1];",
  'node_modules/@lab/queue/attic.js': 'export default () => undefined;',
  'node_modules/other/package.json': '{ "name": "other", "metalab": { "environments": 3 } }',
  'node_modules/damaged/package.json': '{ "metalab": ',
};

const CONFIG = `[environments.night]
type = "queue"
key = "keys/id"
executor.lanes = 2
executor.queue = "q7"
`;

async function projectWithPackage(config: string): Promise<Project> {
  const project = await projectWith({
    ...PACKAGE,
    '.metalab.toml': config,
    'experiment.ts': experimentText(),
  });
  await symlink(ROOT, project.path('node_modules/metalab'));
  return project;
}

test("an installed package's type of environments resolves, with its paths, defaults and variables", async () => {
  const project = await projectWithPackage(CONFIG);
  const config = await ProjectConfig.load({ folder: project.folder, variables: { METALAB_LANES: '5' } });
  const environment = {
    name: 'night',
    type: 'queue',
    package: { name: '@lab/queue', folder: project.path('node_modules/@lab/queue') },
    services: {},
    settings: { key: project.path('keys/id'), executor: { lanes: 5, queue: 'q7' } },
  };
  expect(config.resolve('night').environment).toEqual(environment);
  expect(config.explain('night')).toContainEqual({ key: 'executor.lanes', value: 5, from: 'METALAB_LANES' });
});

test('its mistakes are reported like those of other types, and a broken module is named', async () => {
  const wrong = `${CONFIG.replace('lanes = 2', 'lanes = "x"')}kye = 1\n[environments.day]\ntype = "queu"\n`;
  const project = await projectWithPackage(wrong);
  const { code, stderr } = await metalab(['env', 'list'], { cwd: project.folder });
  expect(code).toBe(2);
  expect(stderr).toBe(`error: 3 problems
- .metalab.toml:4: environments.night.executor.lanes is "x"
    expected: number
- .metalab.toml:6: [environments.night] has no key 'kye'
    expected: one of type, store, services, key, executor
    next: did you mean key?
- .metalab.toml:8: there is no type of environments 'queu'
    expected: one of local, slurm, queue, broken, or one of an installed package
    next: did you mean queue?
`);
  await project.write({ '.metalab.toml': '[environments.night]\ntype = "broken"' });
  const broken = await metalab(['env', 'list'], { cwd: project.folder });
  expect(broken.stderr).toContain("package @lab/queue: its environment type 'broken' can't be imported");
  expect(broken.code).toBe(2);
});

test('its executor runs a sweep, and its kind of stores opens', async () => {
  const project = await projectWithPackage(CONFIG);
  const cwd = project.folder;
  const submitted = await submitJson(['experiment.ts', '--env', 'night'], { cwd });
  expect(submitted).toMatchObject({ code: 0, outcome: { success: 3, executed: 3 } });
  const manifest = JSON.parse(await readFile(project.path('experiments/e@1/experiment.json'), 'utf8'));
  expect(manifest.environment).toBe('night');
  const records = recordsIn(project.store, 'e:1');
  expect(records.map(({ provenance }) => provenance)).toMatchObject(
    Array(3).fill({ executor: 'queue', lanes: 2, queue: 'q7' }),
  );
  const { stdout } = await metalab(['list', '--store', 'shelf://experiments', '--json'], { cwd });
  expect(JSON.parse(stdout)).toMatchObject([{ experiment_id: 'e:1', runs: { success: 3 } }]);
  const again = await submitJson(['experiment.ts', '--store', 'shelf://experiments'], { cwd });
  expect(again).toMatchObject({ code: 0, outcome: { reused: 3, executed: 0 } });
  const nowhere = await metalab(['list', '--store', 'attic://experiments'], { cwd });
  expect(nowhere.stderr).toContain(
    "package @lab/queue: its store 'attic' names no folder for attic://experiments",
  );
  const unknown = await metalab(['list', '--store', 'shelve://experiments'], { cwd });
  expect(unknown.stderr).toContain('a uri of one of: file, postgresql, shelf, attic');
});
