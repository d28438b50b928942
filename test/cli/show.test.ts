import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { makeSampleStore } from '../../src/testing/sample-store.js';
import { temporaryFolder } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';

it.each([
  [1, 'NaN'],
  [3, '-Infinity'],
  [4, '1e-300'],
])('show prints a metric of run %d as %s', async (index, text) => {
  const store = await makeSampleStore(join(temporaryFolder(), 'store'));
  const { stdout } = await metalab(['show', fingerprint({ run: index }), '--store', store.root]);
  expect(stdout).toMatch(new RegExp(`^ *loss +${text}$`, 'm'));
});
