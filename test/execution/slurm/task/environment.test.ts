import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HashedFile } from '../../../../src/definition/declaration.js';
import type { LogLine } from '../../../../src/definition/record.js';
import { recordLost } from '../../../../src/execution/slurm/array/lost-runs.js';
import { Cells } from '../../../../src/identity/cells.js';
import { sha256 } from '../../../../src/identity/fingerprint.js';
import { bundleFile, environmentFile, planFile } from '../../../../src/storage/file/layout.js';
import { body, type Sweep, useSweeps } from '../../local/sweep.js';
import { TestArray, writeInto } from './array.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

/** A file as another machine declared it. */
const declared = (path: string, content: string): HashedFile => {
  return { path, content_hash: sha256(content), size_bytes: content.length, mtime_ms: 1, inode: 1 };
};

describe('runs of a task', () => {
  test('find the context where it was uploaded, and their identity knows nothing of it', async () => {
    const code = body(`const { table, folder, other } = args.context;
      capture.metric('table', fs.readFileSync(table.path, 'utf8'));
      capture.metric('folder', folder.files.map((name) => fs.readFileSync(folder.path + '/' + name, 'utf8')).join());
      capture.metric('other', fs.readFileSync(other.path, 'utf8'));
      capture.metric('place', table.path);`);
    start({ code });
    const here = join(sweep.root, 'on-the-cluster.txt');
    writeFileSync(here, 'already there');
    const files = [
      declared('/laptop/data/table.csv', 'a,b'),
      declared('/laptop/data/table.csv', 'a,b'),
      declared('/laptop/data/deep/x.txt', 'x'),
      declared(here, 'already there'),
    ];
    const [table, , , other] = files;
    sweep.declare({
      files,
      context: {
        table: { $metalab: 'file', path: table!.path, content_hash: table!.content_hash, size_bytes: 3 },
        folder: {
          $metalab: 'dir',
          path: '/laptop/data',
          content_hash: 'd',
          files: ['deep/x.txt', 'table.csv'],
        },
        other: { $metalab: 'file', path: here, content_hash: other!.content_hash, size_bytes: 13 },
      },
    });
    writeInto(join(sweep.root, 'files/t/table.csv'), 'a,b');
    writeInto(join(sweep.root, 'files/d/table.csv'), 'a,b');
    writeInto(join(sweep.root, 'files/d/deep/x.txt'), 'x');
    const places = {
      '/laptop/data/table.csv': 'files/t/table.csv',
      '/laptop/data': join(sweep.root, 'files/d'),
    };
    expect(await new TestArray(sweep, { files: places }).run()).toMatchObject({ how: 'done', success: 1 });
    expect(sweep.record().metrics).toEqual({
      table: 'a,b',
      folder: 'x,a,b',
      other: 'already there',
      place: join(sweep.root, 'files/t/table.csv'),
    });
    expect(sweep.record().context_fingerprint).toBe(sweep.declaration.context_fingerprint);
  });

  test('fail once an uploaded file changes', async () => {
    // Runs share a check of the files with those before them that are not yet in the segment.
    const code = body(
      `const segments = '../segments/s1';
      const isWritten = fs.existsSync(segments) && fs.readdirSync(segments).some((name) => fs.statSync(segments + '/' + name).size > 0);
      if (isWritten && !fs.existsSync('changed')) {
        fs.writeFileSync('../../files/t', 'b');
        fs.writeFileSync('changed', String(params.x));
      }
      const end = performance.now() + 30;
      while (performance.now() < end) {}`,
    );
    start({ code, cases: 100 });
    sweep.declare({ files: [declared('/laptop/t', 'a')] });
    writeInto(join(sweep.root, 'files/t'), 'a');
    await new TestArray(sweep, { files: { '/laptop/t': 'files/t' } }).run();
    const changed = Number(readFileSync(join(sweep.folder, 'work', 'changed'), 'utf8'));
    const records = sweep.records();
    const statuses = records.map(({ status }) => status);
    expect(statuses[0]).toBe('success');
    expect(new Set(statuses.slice(changed + 1))).toEqual(new Set(['failed']));
    expect(records).toHaveLength(100);
    expect(records.at(-1)!.error!.message).toContain(`${join(sweep.root, 'files/t')} has changed`);
  });

  test("see the cluster's environment, and the submitter's values of what the experiment names", async () => {
    const code = body(
      "for (const name of ['PATH', 'HOME', 'MODULE', 'TOKEN', 'SLURM_JOB_ID', 'CUDA_VISIBLE_DEVICES']) capture.metric(name, process.env[name] ?? 'none'); capture.metric('cwd', process.cwd());",
    );
    start({ code, declaration: { env: ['TOKEN', 'HOME', 'CUDA_VISIBLE_DEVICES'] } });
    const env = { PATH: '/laptop/bin', HOME: '/home/laptop', TOKEN: 'secret', CUDA_VISIBLE_DEVICES: '7' };
    writeInto(environmentFile(sweep.folder, 's1'), JSON.stringify(env));
    await new TestArray(sweep).run(0, {
      env: { MODULE: 'gcc/12', HOME: '/home/cluster', CUDA_VISIBLE_DEVICES: '0' },
    });
    expect(sweep.record().metrics).toEqual({
      PATH: process.env.PATH,
      CUDA_VISIBLE_DEVICES: '0',
      HOME: '/home/cluster',
      MODULE: 'gcc/12',
      TOKEN: 'secret',
      SLURM_JOB_ID: '12',
      cwd: join(sweep.folder, 'work'),
    });
  });

  test('that need more memory than the task has are recorded, or spared where they may get more', async () => {
    const code = body(
      'const end = performance.now() + 5; while (performance.now() < end) {} if (params.x === 1) { globalThis.kept = []; for (;;) globalThis.kept.push(Buffer.alloc(2 ** 24, 1)); }',
    );
    start({ code, cases: 3 });
    const memory = { SLURM_MEM_PER_NODE: '300' };
    const sparing = new TestArray(sweep, { spare_memory: true }, 'a'.repeat(16));
    const spared = await sparing.run(0, { env: memory });
    expect(spared).toMatchObject({
      how: 'fault',
      fault: { code: 'MEMORY' },
      success: 1,
      failed: 0,
      cut: [{ position: 1, attempt: 1 }],
    });
    expect(spared.fault!.message).toMatch(/used \d+ MiB of memory, over its limit of 270 MiB/);
    expect(spared.holds![0]).toMatchObject({ from: 1 });
    expect(sparing.left()).toEqual([{ from: 1, to: 3 }]);
    expect(spared.peak_rss_bytes).toBeGreaterThan(200 * 2 ** 20);
    const grown = { ranges: [{ from: 1, to: 3 }], escalated: { memory: 2, time: 0 } };
    const array = new TestArray(sweep, grown, 'b'.repeat(16));
    expect(await array.run(0, { env: memory })).toMatchObject({ how: 'done', success: 1, failed: 1 });
    expect(sweep.records()[1]!.error).toMatchObject({
      type: 'MemoryError',
      message: expect.stringMatching(/over its limit of 270 MiB, which had already grown 2 times$/),
    });
  });
});

describe('a fault of the environment fails no run, and is reported in full', () => {
  test.each<[string, string, () => void, RegExp]>([
    [
      'a bundle that is gone',
      'FILES',
      () => rmSync(bundleFile(sweep.folder, sweep.declaration.operation.bundle)),
      /operation\.mjs.*missing|not there/s,
    ],
    [
      'a plan that is torn',
      'FILES',
      () => writeFileSync(planFile(sweep.folder, 's1'), '{"kin'),
      /plan\.json: it is damaged/,
    ],
    [
      'values of variables that are gone',
      'FILES',
      () => sweep.declare({ env: ['TOKEN'] }),
      /env\.json: the values of the experiment's environment variables can't be read/,
    ],
    ['a module that throws', 'IMPORT', () => sweep.bundle("throw new Error('no licence')"), /no licence/],
    [
      'context files that are not as declared',
      'FILES',
      () => {
        writeFileSync(join(sweep.root, 't'), 'changed');
        sweep.declare({ files: [declared(join(sweep.root, 't'), 'a'), declared('/laptop/gone', 'a')] });
      },
      /t: it has 7 bytes, not 1; \/laptop\/gone: ENOENT/,
    ],
  ])('%s', async (_, code, damage, message) => {
    start({ code: body(''), cases: 3 });
    damage();
    const array = new TestArray(sweep);
    const { code: exit, output } = await array.start().finished;
    expect(array.end()).toMatchObject({
      how: 'fault',
      fault: { code },
      success: 0,
      failed: 0,
      cut: [],
    });
    expect(array.left()).toEqual([{ from: 0, to: 3 }]);
    expect(array.end().fault!.message).toMatch(message);
    expect(output).toMatch(message);
    expect(exit).toBe(1);
  });

  test('an array whose spec can not be read', async () => {
    start({ code: body('') });
    const array = new TestArray(sweep);
    appendFileSync(join(array.folder, 'array.json'), '}');
    await array.start().finished;
    expect(array.end().fault!.message).toContain('array.json: it is damaged');
  });
});

test('runs that a cluster ended are recorded with the end of their output, without the operation', async () => {
  start({ code: 'throw new Error("imported")', cases: 4 });
  const lost = [2, 1].map((position) => ({
    position,
    attempt: 1,
    started_at: '2026-01-02T03:04:05.000Z',
    duration_ms: 5,
    error: { type: 'MemoryError', message: 'the job was out of memory' },
    output: '10 %\r20 %\r\n\nKilled',
    provenance: { job: '3_4' },
  }));
  const order = { folder: sweep.folder, submission: 's1', declaration: sweep.declared };
  await recordLost(order, lost, { executor: 'slurm' });
  expect(
    sweep.records().map(({ index, run_id, status, error, finished_at, provenance }) => {
      const { executor, job } = provenance;
      return { index, run_id, status, type: error!.type, finished_at, executor, job };
    }),
  ).toEqual(
    [1, 2].map((index) => ({
      index,
      run_id: new Cells(sweep.declaration).at(index).runId,
      status: 'failed',
      type: 'MemoryError',
      finished_at: '2026-01-02T03:04:05.005Z',
      executor: 'slurm',
      job: '3_4',
    })),
  );
  expect(sweep.lines<LogLine>('logs').map(({ level, message }) => [level, message])).toEqual([
    ['stderr', '20 %'],
    ['stderr', 'Killed'],
    ['stderr', '20 %'],
    ['stderr', 'Killed'],
  ]);
});

test('a store that can not be written is no failure of the runs that a cluster ended', async () => {
  start({ code: body('') });
  const segments = join(sweep.folder, 'segments');
  rmSync(segments, { recursive: true, force: true });
  writeFileSync(segments, '');
  const run = { position: 0, attempt: 1, started_at: '2026-01-02T03:04:05.000Z', duration_ms: 5 };
  const lost = [{ ...run, error: { type: 'TimeoutError', message: '' }, output: '', provenance: {} }];
  const order = { folder: sweep.folder, submission: 's1', declaration: sweep.declared };
  await expect(recordLost(order, lost, {})).rejects.toMatchObject({
    name: 'ExecutionFault',
    code: 'ENOTDIR',
    report: { failed: 0 },
  });
});
