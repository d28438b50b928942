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

/** Statements for {@link peakOf}: compacts the store. */
export const COMPACT = `
  const folder = store.experimentFolder('${EXPERIMENT}');
  await (await import(built + 'compaction/compact.js')).compactRuns(folder, folder + '/runs/.x');`;

/**
 * Runs statements in a process of its own, which knows `store` and its `results`.
 *
 * @param root of the store
 * @returns its peak memory in megabytes
 */
export async function peakOf(statements: string, root: string): Promise<number> {
  const peak = `console.log(/VmHWM:\\s+(\\d+)/.exec((await import('node:fs')).readFileSync('/proc/self/status', 'utf8'))[1]);`;
  const program = `${OPEN}; ${statements}; ${peak}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, root, BUILT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  return Number(output) / 1024;
}
