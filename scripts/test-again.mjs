// `npm run test:again -- FILES --times 20 --load 4`: runs tests many times while other processes take the cores. A test that
// fails now and then fails here. Stops at the first failure unless --all is given.
import { spawn, spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { root } from './setup/root.mjs';

const { values, positionals: files } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '20' },
    load: { type: 'string', default: '4' },
    test: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});
const times = wholeNumber('times', values.times);
const load = wholeNumber('load', values.load);
if (files.length === 0)
  fail('name test files: npm run test:again -- test/client/control.test.ts --times 20 --load 4');

const BUSY = 'for (;;) if (process.ppid !== Number(process.argv[1])) process.exit();';
const busy = Array.from({ length: load }, () =>
  spawn(process.execPath, ['-e', BUSY, String(process.pid)], { stdio: 'ignore' }),
);
let failed = 0;
let done = 0;
try {
  while (done < times && (failed === 0 || values.all)) {
    const from = performance.now();
    const vitest = [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...files,
      ...(values.test ? ['-t', values.test] : []),
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, vitest, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, NO_COLOR: '1' },
    });
    done++;
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    console.log(`round ${done} of ${times}: ${status === 0 ? 'passed' : 'failed'} in ${seconds} s`);
    if (status === 0) continue;
    failed++;
    console.log(`${stdout}${stderr}`);
  }
} finally {
  for (const child of busy) child.kill('SIGKILL');
}
console.log(`${done - failed} rounds passed, ${failed} failed, beside ${load} busy processes`);
process.exitCode = failed > 0 ? 1 : 0;

function wholeNumber(name, text) {
  if (!/^\d+$/.test(text)) fail(`--${name}: expected a whole number, got ${text}`);
  return Number(text);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
