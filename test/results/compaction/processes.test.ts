import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { resultsOf } from '../../../src/results/open.js';
import { readCoverage } from '../../../src/storage/file/formats/runs-file.js';
import { runsFile, runsFolder, seriesFolder } from '../../../src/storage/file/layout.js';
import { openFileStore } from '../../../src/storage/file/open.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { experimentText } from '../../support/experiment-text.js';
import { ROOT, submitJson } from '../../support/metalab.js';
import { projectWith } from '../../support/project.js';
import { EXPERIMENT, recordOf, writeSegment } from '../../support/records.js';

const BUILT = new URL('dist/results/compaction/', `file://${ROOT}`).href;

/** Some 800 bytes each. */
async function storeOf(runs: number) {
  const store = await temporaryStore();
  const text = JSON.stringify({ ...recordOf({ index: 7_000_007 }), notes: ['n'.repeat(100)] });
  const { run_id } = recordOf({ index: 7_000_007 });
  const lines = Array.from({ length: runs }, (_, index) =>
    text
      .replace('7000007', String(index))
      .replace(run_id, (index + 1).toString(16).padStart(8, '0') + run_id.slice(8)),
  );
  for (const part of [0, 1])
    writeSegment(store, [`${lines.filter((_, index) => index % 2 === part).join('\n')}\n`], {
      writer: `host-${part}-aa`,
    });
  return store.experimentFolder(EXPERIMENT);
}

it('a small sweep ends with its Parquet files up to date, a large one is compacted soon after its end', {
  timeout: 360_000,
}, async () => {
  const large = 'params: grid({ x: Array.from({ length: 12000 }, (_, x) => x) })';
  const project = await projectWith({
    'large.ts': experimentText({ properties: `name: 'large', ${large}` }),
    'tiny.ts': experimentText({
      properties: `name: 'tiny'`,
      body: "for (const step of [0, 1]) capture.metric('y', params.x, { step });",
    }),
  });
  await submitJson(['tiny.ts', '--store', project.store], { cwd: project.folder });
  const store = await openFileStore(project.store);
  const tiny = store.experimentFolder('tiny:1');
  const rows = (await readCoverage(tiny))?.runs;
  expect(rows).toBe((await store.readManifest('tiny:1'))?.totals.cells);
  expect(readdirSync(runsFolder(tiny))).toEqual(['runs.parquet']);
  expect(readdirSync(seriesFolder(tiny))).toEqual(['series.parquet']);
  await submitJson(['large.ts', '--store', project.store], { cwd: project.folder });
  const folder = store.experimentFolder('large:1');
  await vi.waitFor(() => expect(existsSync(runsFile(folder))).toBe(true), { timeout: 150_000, interval: 50 });
  expect((await readCoverage(folder))?.runs).toBe(12_000);
  const results = resultsOf(store, 'large:1');
  expect((await results.sort('-x').limit(1).select('x', 'y').table()).rows).toEqual([
    { x: 11_999, y: 23_998 },
  ]);
  await results.close();
  await vi.waitFor(() => expect(readdirSync(runsFolder(folder))).toEqual(['runs.parquet']), 20_000);
});

it('a compaction ends with the process that started it, and leaves nothing behind', async () => {
  const folder = await storeOf(60_000);
  const program = `(await import(process.argv[2] + 'compact-in-child.js')).compactInChild(process.argv[1]);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, folder, BUILT], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const names = () => (existsSync(runsFolder(folder)) ? readdirSync(runsFolder(folder)) : []);
  await vi.waitFor(() => expect(names()).toHaveLength(1), { timeout: 90_000, interval: 5 });
  // The folder is there a moment before the process.
  const childOf = () => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').split(' ')[0];
  await vi.waitFor(() => expect(Number(childOf())).toBeGreaterThan(0), { timeout: 10_000, interval: 1 });
  const child = childOf();
  parent.kill('SIGKILL');
  // Its priority is the lowest: beside other tests it is slow to notice.
  await vi.waitFor(() => expect(existsSync(`/proc/${child}`)).toBe(false), { timeout: 90_000, interval: 20 });
  expect(names()).toEqual([]);
});

it('a compaction that needs more memory than it may have says so, and results are read without it', async () => {
  const store = await temporaryStore();
  writeSegment(store, [{ ...recordOf(), tags: ['n'.repeat(100_000_000)] }]);
  const { CompactionProcess } = await import(new URL('compact-in-child.js', BUILT).href);
  const folder = store.experimentFolder(EXPERIMENT);
  const child = new CompactionProcess();
  // At the lowest priority, as for large experiments, it takes minutes beside other tests.
  await expect(child.compact(folder, { urgent: true })).rejects.toThrow(
    /could not be compacted: its process needed more than/,
  );
  await child.close();
  expect(readdirSync(runsFolder(folder))).toEqual([]);
  const results = resultsOf(store, EXPERIMENT).all();
  expect(await results.count()).toBe(1);
  await results.close();
});

it('compacting 200,000 runs, and reading them, each takes less than 350 MB of memory', {
  timeout: 540_000,
}, async () => {
  const folder = await storeOf(200_000);
  // Not resourceUsage().maxRSS: Linux counts in that what this process had when it forked.
  const peakOf = async (program: string) => {
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `${program}; console.log(/VmHWM:\\s+(\\d+)/.exec((await import('node:fs')).readFileSync('/proc/self/status', 'utf8'))[1]);`,
        folder,
        BUILT,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await new Promise((resolve) => child.once('close', resolve));
    return Number(output) / 1024;
  };
  const read = `
    const { openFileStore } = await import(process.argv[2] + '../../storage/file/open.js');
    const { resultsOf } = await import(process.argv[2] + '../open.js');
    const results = resultsOf(await openFileStore(process.argv[1] + '/..'), '${EXPERIMENT}');
    let n = 0;
    for await (const record of results.records()) n += record.notes.length;
    if (n !== 200000 || (await results.groupBy('replicate').stats()).groups.length !== 1) process.exit(1);
    await results.close()`;
  const compact = `await (await import(process.argv[2] + 'compact.js')).compactRuns(process.argv[1], process.argv[1] + '/runs/.x')`;
  const peaks = [await peakOf(read), await peakOf(compact), await peakOf(read)];
  expect(existsSync(join(folder, 'runs', 'runs.parquet'))).toBe(true);
  for (const peak of peaks) {
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(350);
  }
});
