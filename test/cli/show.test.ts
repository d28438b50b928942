import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { makeSampleStore } from '../../src/testing/sample-store.js';
import { storeOf } from '../plot/sweep.js';
import { temporaryFolder } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';
import { recordOf } from '../support/records.js';

it.each([
  [1, 'NaN'],
  [3, '-Infinity'],
  [4, '1e-300'],
])('show prints a metric of run %d as %s', async (index, text) => {
  const store = await makeSampleStore(join(temporaryFolder(), 'store'));
  const { stdout } = await metalab(['show', fingerprint({ run: index }), '--store', store.root]);
  expect(stdout).toMatch(new RegExp(`^ *loss +${text}$`, 'm'));
});

it('show keeps names with newlines in their line, and writes no control character of a text to the terminal', async () => {
  const run = recordOf({
    index: 0,
    params: { 'a\nb': 1 },
    metrics: { 'loss\x1b[31m': 2, text: 'one\n\x1b[2Jtwo' },
  });
  const store = await storeOf([run]);
  const { stdout } = await metalab(['show', run.run_id, '--store', store.root]);
  expect(stdout).toMatch(/^ *a↵b +1$/m);
  expect(stdout).toMatch(/^ *loss\ufffd\[31m +2$/m);
  expect(stdout).toMatch(/^ *text +one\n +\ufffd\[2Jtwo$/m);
  expect(stdout).not.toContain('\x1b[2J');
});

it('an error names the nearest columns, each so that it can be told from the next', async () => {
  const run = recordOf({ index: 0, params: { 'a\nb': 1, 'a, c': 2 }, metrics: { loss: 1 } });
  const store = await storeOf([run]);
  const { code, stderr } = await metalab([
    'results',
    run.experiment_id,
    '--all',
    '--store',
    store.root,
    '--columns',
    'a b',
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('"a\\nb"');
  expect(stderr).toContain('"a, c"');
});

it('show cuts a text of many characters, and --json has all of it, with numbers that are not finite', async () => {
  const text = `${'line\n'.repeat(50_000)}end`;
  const run = recordOf({ index: 0, metrics: { text, loss: Number.NaN } });
  const store = await storeOf([run]);
  const { stdout } = await metalab(['show', run.run_id, '--store', store.root]);
  expect(stdout.length).toBeLessThan(60_000);
  expect(stdout).toMatch(/… \(250,003 characters: --json has all\)$/m);
  const { stdout: json } = await metalab(['show', run.run_id, '--store', store.root, '--json']);
  expect(JSON.parse(json).metrics).toEqual({ text, loss: { $numberDouble: 'NaN' } });
});
