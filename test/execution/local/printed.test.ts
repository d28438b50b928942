import { expect, test } from 'vitest';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

test('a progress bar of 200,000 states is one line of the log: its last state', async () => {
  const code = body(
    `for (let i = 1; i <= 200_000; i++) process.stderr.write('\\r' + i + ' of 200000 [#####-----] 12.3 it/s');
    console.log('done');`,
  );
  await start({ code }).run();
  expect(sweep.log()).toEqual(['stdout: done', 'stderr: 200000 of 200000 [#####-----] 12.3 it/s']);
});

test('so is one of a child process', async () => {
  const code = `import { execSync } from 'node:child_process';
    export default metalab.operation(() => {
      execSync("printf '\\\\r1 %%\\\\r50 %%\\\\r100 %%\\\\nready\\\\n'", { stdio: 'inherit' });
    });`;
  await start({ code }).run();
  expect(sweep.log()).toEqual(['stdout: 100 %', 'stdout: ready']);
});
