import { cp, readFile, symlink, utimes } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { Project } from '../support/project.js';

const EXPERIMENT = `import { experiment, file, grid, operation, seeds } from 'metalab';
import { readFileSync } from 'node:fs';
import { scaled } from './model.ts';

export const work = operation(({ params, context, capture }) => {
  const rows = readFileSync(context.table.path, 'utf8').split('\\n').length;
  capture.metric('y', scaled(params.x) + params.b + rows);
});

export default experiment({
  name: 'edits', version: '1', operation: work,
  params: grid({ x: [1, 2], b: [0] }),
  seeds: seeds({ base: 7, replicates: 2 }),
  context: { table: file('data/table.csv'), offset: 1 },
});
`;
const FILES = {
  'experiment.ts': EXPERIMENT,
  'model.ts': `import { FACTOR } from './constants.ts';
export const scaled = (x: number): number => FACTOR * x;
export const unused = (x: number): number => x - 1;
`,
  'constants.ts': 'export const FACTOR = 3;\n',
  'data/table.csv': 'a,b\n1,2\n',
};

/** Each test gets it as it is after the first submit. */
const project = new Project(afterAll);
const submit = (args: readonly string[] = []) =>
  submitJson(['experiment.ts', ...args], { cwd: project.folder });

async function dryRun(): Promise<Record<string, unknown>> {
  const { stdout } = await metalab(['submit', 'experiment.ts', '--dry-run', '--json'], {
    cwd: project.folder,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function edit(file: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(project.path(file), 'utf8');
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  await project.write({ [file]: edited });
}

const ids = async (store = project.store) =>
  (await resultsJson('edits', store))
    .map(({ run_id, params, replicate }) => JSON.stringify([run_id, params, replicate]))
    .sort();

beforeAll(async () => {
  await project.write(FILES);
  expect((await submit()).outcome).toMatchObject({ executed: 4, reused: 0 });
  project.save();
});

beforeEach(() => project.restore());

async function expectNothingToDo(): Promise<void> {
  expect(await dryRun()).toMatchObject({
    to_execute: 0,
    new: 0,
    reused: { success: 4 },
    stale: { code: 0, context: 0 },
  });
  expect((await submit()).outcome).toMatchObject({ total: 4, executed: 0, reused: 4 });
}

/** All four runs are done again, for a reason that the dry run tells beforehand by the name of what changed. */
async function expectAllStale(part: 'code' | 'context', name: string): Promise<void> {
  const plan = await dryRun();
  const stale = { code: 0, context: 0, [part]: 4 };
  expect(plan).toMatchObject({ to_execute: 4, new: 4, stale });
  const { changes } = plan.stale as { changes: { name: string }[] };
  expect(changes).toEqual([
    { part, name: expect.stringMatching(new RegExp(`(^|/)${name}$`)) as string, change: 'changed' },
  ]);
  expect((await submit()).outcome).toMatchObject({ total: 4, executed: 4, reused: 0, success: 4 });
}

describe('after an edit of', () => {
  test('the grid, only the new cells are executed', async () => {
    await edit('experiment.ts', 'x: [1, 2]', 'x: [2, 3, 1]');
    expect(await dryRun()).toMatchObject({
      total: 6,
      to_execute: 2,
      new: 2,
      reused: { success: 4 },
      stale: { code: 0, context: 0 },
    });
    expect((await submit()).outcome).toMatchObject({ total: 6, executed: 2, reused: 4 });
  });

  test('the number of replicates, only the new ones are executed', async () => {
    await edit('experiment.ts', 'replicates: 2', 'replicates: 3');
    expect((await submit()).outcome).toMatchObject({ total: 6, executed: 2, reused: 4 });
  });

  test('comments, formatting, types, unrelated exports and what is not identity, nothing is executed', async () => {
    await edit('experiment.ts', 'export const work', '// what this does\n\n\nexport const work');
    await edit('experiment.ts', 'capture.metric(', 'capture . metric(\n    /* the result */ ');
    await edit(
      'experiment.ts',
      /$/,
      "\nexport const note = 'unrelated';\nexport function other() { return note; }\n",
    );
    await edit(
      'experiment.ts',
      "name: 'edits'",
      "name: 'edits', description: 'more', tags: ['a'], metadata: { a: 1 }, retries: 1",
    );
    await edit('model.ts', 'x - 1', 'x - 2');
    await edit('model.ts', '(x: number): number => FACTOR', '(x: number) => FACTOR');
    await expectNothingToDo();
  });

  test('a helper in another module, all runs are', async () => {
    await edit('model.ts', 'FACTOR * x', 'FACTOR * x + 1');
    await expectAllStale('code', 'model.ts');
  });

  test('a constant two modules away, all runs are', async () => {
    await edit('constants.ts', '3', '4');
    await expectAllStale('code', 'constants.ts');
  });

  test('the operation, and back again: the first runs count again', async () => {
    await edit('experiment.ts', 'params.b + rows', 'params.b - rows');
    await expectAllStale('code', 'experiment.ts');
    await edit('experiment.ts', 'params.b - rows', 'params.b + rows');
    await expectNothingToDo();
  });

  test("a context file's time, nothing is executed; of its content, all runs are", async () => {
    await utimes(project.path('data/table.csv'), new Date(), new Date(Date.now() - 86_400_000));
    await expectNothingToDo();
    await edit('data/table.csv', '1,2', '1,3');
    await expectAllStale('context', 'table.csv');
  });

  test('a value of the context, all runs are', async () => {
    await edit('experiment.ts', 'offset: 1', 'offset: 2');
    await expectAllStale('context', 'offset');
  });
});

describe('the same experiment has the same run_ids', () => {
  test('from another folder, into another store, with its keys in another order', async () => {
    const first = await ids();
    const elsewhere = new Project();
    await cp(project.folder, elsewhere.path('deep/er'), {
      recursive: true,
      filter: (source) => !source.startsWith(project.store),
    });
    const reordered = EXPERIMENT.replace('x: [1, 2], b: [0]', 'b: [0], x: [1, 2]')
      .replace(
        "table: file('data/table.csv'), offset: 1",
        "offset: 1, table: file('./data/../data/table.csv')",
      )
      .replace('base: 7, replicates: 2', 'replicates: 2, base: 7');
    await elsewhere.write({ 'deep/er/experiment.ts': reordered });
    const other = await submitJson(['deep/er/experiment.ts'], { cwd: elsewhere.folder });
    expect(other.outcome).toMatchObject({ executed: 4, reused: 0 });
    expect(await ids(elsewhere.store)).toEqual(first);
    // And so the other folder's runs are reused in the first store.
    const joined = await submitJson(['deep/er/experiment.ts', '--store', project.store], {
      cwd: elsewhere.folder,
    });
    expect(joined.outcome).toMatchObject({ executed: 0, reused: 4 });
  });

  test('through a link to its folder, and to its store', async () => {
    const other = new Project();
    await symlink(project.folder, other.path('linked'));
    const again = await submitJson(['linked/experiment.ts', '--store', 'linked/experiments'], {
      cwd: other.folder,
    });
    expect(again.outcome).toMatchObject({ executed: 0, reused: 4 });
  });
});
