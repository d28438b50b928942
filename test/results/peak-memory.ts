import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import { ROOT } from '../support/metalab.js';
import { EXPERIMENT } from '../support/records.js';

const BUILT = new URL('dist/results/', `file://${ROOT}`).href;

const OPEN = `
  const built = process.argv[2];
  const { openFileStore } = await import(built + '../storage/file/open.js');
  const store = await openFileStore(process.argv[1]);
  const results = (await import(built + 'open.js')).resultsOf(store, '${EXPERIMENT}');`;

/** Statements for {@link expectPeaks}: compacts the store, however often they run. */
export const COMPACT = `
  const folder = store.experimentFolder('${EXPERIMENT}');
  (await import('node:fs')).rmSync(folder + '/runs', { recursive: true, force: true });
  await (await import(built + 'compaction/compact.js')).compactRuns(folder, folder + '/runs/.x');`;

/**
 * Runs statements one after the other in a process of its own, which knows `store` and its `results`.
 *
 * @param statements by a name
 * @param root of the store
 * @returns the process's peak memory in megabytes after each
 */
async function peaksOf(
  statements: { readonly [name: string]: string },
  root: string,
): Promise<{ readonly [name: string]: number }> {
  const peak = `/VmHWM:\\s+(\\d+)/.exec((await import('node:fs')).readFileSync('/proc/self/status', 'utf8'))[1] / 1024`;
  const parts = Object.entries(statements).map(
    ([name, each]) => `{ ${each} } peaks[${JSON.stringify(name)}] = Math.round(${peak});`,
  );
  const program = `${OPEN}; const peaks = {}; ${parts.join('\n')} console.log(JSON.stringify(peaks));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, root, BUILT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  return JSON.parse(output);
}

/** Now and then a process peaks higher by a text of 50 MB that nothing has freed yet: once in some hundred processes. */
const TRIES = 3;

/**
 * Expects each step to stay below the limit in one of three processes at least.
 *
 * @param steps each is a process; it can run again
 * @param limit of its memory, megabytes
 */
export async function expectPeaks(
  steps: readonly { readonly [name: string]: string }[],
  root: string,
  limit = 500,
): Promise<void> {
  for (const step of steps) {
    const tries: number[] = [];
    while (tries.length < TRIES && !tries.some((peak) => peak < limit))
      tries.push(Math.max(...Object.values(await peaksOf(step, root))));
    expect(Math.min(...tries), `${Object.keys(step)}: ${tries}`).toBeLessThan(limit);
  }
}
