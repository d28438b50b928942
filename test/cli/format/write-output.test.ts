import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CommandContext } from '../../../src/cli/command.js';
import { writeOutput } from '../../../src/cli/format/write-output.js';
import { temporaryFolder } from '../../storage/file/temporary-store.js';

const context = { note: () => {} } as unknown as CommandContext;

async function* pieces(...texts: (string | Error)[]) {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield text;
  }
}

it('a file that is there is kept without force, and when what would replace it fails', async () => {
  const folder = temporaryFolder();
  const target = join(folder, 'out.csv');
  const write = (force: boolean, ...texts: (string | Error)[]) =>
    writeOutput(pieces(...texts), { target, option: '--csv', force }, context);
  await expect(write(false, 'half', new Error('broken'))).rejects.toThrow('broken');
  expect(readdirSync(folder)).toEqual([]);
  await write(false, 'a', 'b');
  await expect(write(false, 'c')).rejects.toMatchObject({
    code: 'METALAB_OUTPUT',
    expected: expect.stringContaining('--force'),
  });
  await expect(write(true, 'c', new Error('broken'))).rejects.toThrow('broken');
  expect(readFileSync(target, 'utf8')).toBe('ab');
  await write(true, 'c');
  expect(readFileSync(target, 'utf8')).toBe('c');
  expect(readdirSync(folder)).toEqual(['out.csv']);
});
