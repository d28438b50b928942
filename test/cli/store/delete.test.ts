import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { fingerprint } from '../../../src/identity/fingerprint.js';
import { SAMPLE } from '../../../src/testing/sample-store.js';
import { metalab, resultsJson } from '../../support/metalab.js';
import { projectWith } from '../../support/project.js';
import { wholeStore } from './whole-store.js';

const runId = (index: number) => fingerprint({ run: index });

/** Paths of the files in which a text stands. */
const filesWith = (root: string, text: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(text));

describe('runs that are deleted', () => {
  it('are gone from every file, and others stay where they were', async () => {
    const { store, folder } = await wholeStore();
    await metalab(['store', 'compact', '--store', store.root]);
    const sizes = () =>
      Object.fromEntries(
        readdirSync(join(folder, 'segments', 's1')).map((name) => [
          name,
          statSync(join(folder, 'segments', 's1', name)).size,
        ]),
      );
    const before = sizes();
    expect(filesWith(store.root, runId(0)).length).toBeGreaterThan(4);
    const { code, stdout, stderr } = await metalab([
      'store',
      'delete',
      runId(0),
      runId(2).slice(0, 8),
      '--yes',
      '--json',
      '--store',
      store.root,
    ]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      runs: { [SAMPLE]: expect.arrayContaining([runId(0), runId(2)]) },
      records: 4,
    });
    expect([...filesWith(store.root, runId(0)), ...filesWith(store.root, runId(2))]).toEqual([]);
    expect(sizes()).toEqual(before);
    const left = JSON.parse(
      (await metalab(['results', SAMPLE, '--all', '--json', '--store', store.root])).stdout,
    ) as { run_id: string }[];
    expect(left.map(({ run_id }) => run_id)).not.toContain(runId(0));
    expect(left).toHaveLength(10);
    const check = await metalab(['store', 'check', '--json', '--store', store.root]);
    expect(check.stdout).not.toContain(`"path":"${folder}/segments/s2`);
  });

  it('are missing in status, and the next submit does them again', { timeout: 240_000 }, async () => {
    const project = await projectWith({
      'sweep.mjs': `
        import { experiment, grid, operation, seeds } from 'metalab';
        export const double = operation(({ params, capture }) => capture.metric('y', 2 * params.x));
        export default experiment({ name: 'sweep', version: '1', operation: double, params: grid({ x: [1, 2, 3, 4, 5] }), seeds: seeds({ base: 1 }) });`,
    });
    const at = { cwd: project.folder };
    await metalab(['submit', 'sweep.mjs'], at);
    const before = await resultsJson('sweep', project.store);
    const choice = ['store', 'delete', '--experiment', 'sweep', '--where', 'x<3'];
    expect((await metalab([...choice, '--dry-run'], at)).stdout).toBe('2 runs of sweep:1 would be deleted\n');
    const unsure = await metalab(choice, at);
    expect(unsure.code).toBe(2);
    expect(unsure.stderr).toContain('--yes');
    expect(await resultsJson('sweep', project.store)).toEqual(before);
    expect((await metalab([...choice, '--yes'], at)).stdout).toContain(
      'deleted 2 runs of sweep:1: 2 records',
    );
    const [status] = [JSON.parse((await metalab(['status', 'sweep', '--json'], at)).stdout)];
    expect(status).toMatchObject({ total: 5, success: 3, pending: 2 });
    expect(await resultsJson('sweep', project.store)).toHaveLength(3);
    const again = await metalab(['submit', 'sweep.mjs', '--json'], at);
    expect(JSON.parse(again.stdout)).toMatchObject({ total: 5, executed: 2, reused: 3, success: 5 });
    expect(await resultsJson('sweep', project.store)).toHaveLength(5);
  });
});

describe('nothing is deleted', () => {
  test('while an engine uses the store', async () => {
    const { store } = await wholeStore();
    await store.lease.during('another command', async () => {
      const { code, stderr } = await metalab(['store', 'delete', runId(0), '--yes', '--store', store.root]);
      expect(code).not.toBe(0);
      expect(stderr).toContain('is in use by another command');
    });
    expect(filesWith(store.root, runId(0)).length).toBeGreaterThan(3);
  });

  test.each([
    ['without runs', [], 'RUN…, or --experiment'],
    ['by a condition without an experiment', ['--where', 'lr=0'], 'several experiments'],
    ['by both', ['abcd1234', '--experiment', 'sample', '--where', 'lr=0'], 'one of both'],
    [
      'by prefixes that no run has, all of which are named',
      ['ffff0000', 'eeee0000', '--yes'],
      /ffff0000[\s\S]*eeee0000/,
    ],
  ])('%s', async (_, args, words) => {
    const { store } = await wholeStore();
    const { code, stderr } = await metalab(['store', 'delete', ...args, '--store', store.root]);
    expect(code).toBe(2);
    expect(stderr).toMatch(words);
  });
});
