import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';
import { buildRunner, Sweep } from './sweep.js';

const SOURCE = `const { operation } = (globalThis as unknown as { [symbol: symbol]: typeof import('metalab') })[Symbol.for('metalab.runtime')]!;
interface Filler { readonly a: number }

function divide(a: number, b: number): number {
  if (b === 0) throw new RangeError('by zero');
  return a / b;
}

export default operation(async ({ capture }: { capture: { metric(name: string, value: number): void } }) => {
  await null;
  capture.metric('ok', 1);
  divide(1, 0);
});
`;

test('a failed run’s stack points into the user’s own source, and nowhere else', async () => {
  const built = await buildRunner();
  const sweep = new Sweep(built.runner, { code: '' });
  try {
    const source = join(sweep.root, 'experiment.ts');
    writeFileSync(source, SOURCE);
    const file = join(sweep.root, 'operation.mjs');
    const bundle = await rolldown({ input: source });
    await bundle.write({ file, format: 'esm', sourcemap: 'inline' });
    await bundle.close();
    sweep.bundle(readFileSync(file, 'utf8'));
    await sweep.run();
    const lines = sweep.record().error!.stack!.split('\n');
    expect(lines[0]).toBe('RangeError: by zero');
    const places = lines.filter((line) => /^\s+at /.test(line));
    expect(places.map((line) => /experiment\.ts:\d+/.exec(line)?.[0])).toEqual([
      'experiment.ts:5',
      'experiment.ts:12',
    ]);
  } finally {
    await sweep.remove();
    built.remove();
  }
});
