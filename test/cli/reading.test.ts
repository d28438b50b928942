import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { artifactsFolder } from '../../src/storage/file/layout.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { metalab, ROOT, startMetalab } from '../support/metalab.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

const SVG = '<svg/>';
const SHA = createHash('sha256').update(SVG).digest('hex');
const RECORDS = Array.from({ length: 60 }, (_, index) =>
  recordOf({
    index,
    run_id: createHash('sha256').update(`run ${index}`).digest('hex').slice(0, 32),
    params: { samples: index < 30 ? 100 : 1000 },
    metrics: { pi: 3 + index / 100 },
    ...(index === 59
      ? {
          status: 'failed',
          metrics: {},
          error: {
            type: 'RangeError',
            message: 'too far',
            stack: 'RangeError: too far\n    at run (op.ts:3:5)',
          },
        }
      : {}),
    ...(index === 0
      ? {
          tags: ['baseline'],
          warnings: ['slow'],
          artifacts: [
            {
              artifact_id: 'a',
              name: 'fit',
              kind: 'figure',
              format: 'svg',
              uri: `artifacts/${SHA}`,
              content_hash: SHA,
              size_bytes: SVG.length,
              metadata: {},
            },
          ],
        }
      : {}),
  }),
);
const RUN = RECORDS[0]!.run_id;

let store: FileStore;
const read = (...args: string[]) => metalab([...args, '--store', store.root]);

beforeAll(async () => {
  store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await store.writeManifest(manifestOf());
  await store.writeManifest(
    manifestOf({ experiment_id: 'pi_other:1', submitted_at: '2027-01-01T00:00:00.000Z' }),
  );
  writeSegment(store, RECORDS);
  const { run_id } = RECORDS[0]!;
  const of = { run_id, attempt: 1, generation: 0 };
  writeSegment(store, [{ ...of, at: '2026-01-01T00:00:00.500Z', level: 'warn', message: 'half way' }], {
    kind: 'logs',
  });
  writeSegment(
    store,
    [1, 2, 3].map((step) => ({ ...of, name: 'loss', step, value: 1 / step })),
    { kind: 'series' },
  );
  mkdirSync(artifactsFolder(store.experimentFolder(EXPERIMENT)));
  writeFileSync(join(artifactsFolder(store.experimentFolder(EXPERIMENT)), SHA), SVG);
});

describe('metalab results', () => {
  it('shows 50 rows of the varying params and the metrics, and says how many more there are', async () => {
    const { stdout, stderr, code } = await read('results', 'pi_mc');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]?.split(/\s+/).filter(Boolean)).toEqual(['samples', 'replicate', 'pi', 'status']);
    expect(lines).toHaveLength(51);
    expect(stderr).toContain('… and 10 more (--limit)');
    expect(code).toBe(0);
  });

  it('filters, sorts, chooses columns and limits', async () => {
    const { stdout } = await read(
      'results',
      'pi_mc',
      '--where',
      'samples=1000',
      '--where',
      'pi<3.5',
      '--sort',
      '-pi',
      '--limit',
      '2',
      '--columns',
      'pi,index',
    );
    expect(stdout).toBe('  pi  index\n3.49     49\n3.48     48\n');
  });

  it('prints complete records as one JSON array', async () => {
    const { stdout } = await read('results', 'pi_mc', '--json');
    expect(JSON.parse(stdout)).toEqual(RECORDS);
  });

  it('prints an empty array when no record matches', async () => {
    expect(JSON.parse((await read('results', 'pi_mc', '--json', '--where', 'pi>100')).stdout)).toEqual([]);
  });

  it('summarises groups, and says which records were left out', async () => {
    const { stdout, stderr } = await read('results', 'pi_mc', '--group-by', 'samples');
    expect(stdout).toMatch(/^samples\s+n\s+pi mean\s+pi std\s+pi ±95%\n\s*100\s+30\s+3\.145/);
    expect(stderr).toContain('1 failed or cancelled runs left out');
  });

  it('writes CSV to stdout and to files', async () => {
    const file = join(store.root, '..', 'out.csv');
    const { stdout } = await read('results', 'pi_mc', '--csv', '-', '--columns', 'index,pi', '--limit', '2');
    expect(stdout).toBe('index,pi\n0,3\n1,3.01\n');
    await read('results', 'pi_mc', '--csv', file);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(62);
  });

  it('ends with 2 and the nearest columns where a column is mistyped', async () => {
    const { stderr, code, stdout } = await read('results', 'pi_mc', '--where', 'samplez=1');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/no column 'samplez'[\s\S]*one of: samples/);
    expect(stderr).not.toContain('at ');
  });

  it('exits without an error when the reader of its pipe closes it', async () => {
    const command = `"${process.execPath}" "${ROOT}bin/metalab.js" results pi_mc --json --store "$METALAB_TEST_STORE" | head -c 10; echo " $\{PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', command], {
      env: { ...process.env, METALAB_TEST_STORE: store.root },
      stdio: 'pipe',
    });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes));
    child.stderr.on('data', (bytes: Buffer) => (output += bytes));
    await new Promise((resolve) => child.once('close', resolve));
    expect(output).toMatch(/^\[\n\{"run_id 0\n$/);
  });
});

describe('experiments and runs', () => {
  it('are found by unambiguous prefixes; for ambiguous and unknown ones the error lists the candidates', async () => {
    const ambiguous = await read('results', 'pi');
    expect(ambiguous.code).toBe(2);
    expect(ambiguous.stderr).toMatch(/could be 2 experiments[\s\S]*pi_mc:0.1[\s\S]*pi_other:1/);
    const unknown = await read('results', 'tau');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/no experiment 'tau'[\s\S]*pi_mc:0.1/);
    expect((await read('show', RUN.slice(0, 3))).stderr).toContain('at least the first 4 characters');
    expect((await read('show', 'ffff0000')).code).toBe(2);
  });

  it('are listed, the latest submission first', async () => {
    expect(JSON.parse((await read('list', '--json')).stdout)).toMatchObject([
      { experiment_id: 'pi_other:1', runs: { success: 0 } },
      { experiment_id: EXPERIMENT, runs: { success: 59, failed: 1, cancelled: 0 }, older: 0, cells: 10 },
    ]);
    expect((await read('list')).stdout).toMatch(/^experiment\s+runs[\s\S]*pi_other:1/);
  });

  it('of a store that does not exist end with the exit code of infrastructure errors', async () => {
    const { code, stderr } = await metalab(['list', '--store', '/nowhere/store']);
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/\/nowhere\/store: there is no store here[\s\S]*next: /),
    ]);
  });
});

describe('metalab show, logs and artifacts', () => {
  it('show everything of a run', async () => {
    const { stdout } = await read('show', RUN.slice(0, 8));
    for (const part of [
      RUN,
      'success',
      'samples',
      'pi',
      'baseline',
      'slow',
      'fit',
      'loss',
      '3 points',
      'took',
      'code',
      'host',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(JSON.parse((await read('show', RUN, '--json')).stdout)).toMatchObject({
      ...RECORDS[0],
      series: [{ name: 'loss', points: 3, last: 1 / 3 }],
    });
  });

  it('show an error with its stack', async () => {
    const { stdout } = await read('show', RECORDS[59]!.run_id);
    expect(stdout).toMatch(/RangeError\s+too far[\s\S]*op\.ts:3:5/);
  });

  it('print log lines with time and level', async () => {
    expect((await read('logs', RUN)).stdout).toBe('2026-01-01T00:00:00.500Z warn   half way\n');
    expect((await read('logs', RECORDS[1]!.run_id)).stderr).toContain('the run logged nothing');
  });

  it('follow the log of a run that has no record yet until it has one', async () => {
    const run = recordOf({ index: 99 });
    const of = {
      run_id: run.run_id,
      attempt: 1,
      generation: 0,
      at: '2026-01-01T00:00:00.000Z',
      level: 'info',
    };
    const logs = writeSegment(store, [{ ...of, message: 'one' }], { kind: 'logs', writer: 'live' });
    const following = startMetalab(['logs', run.run_id.slice(0, 12), '--follow', '--store', store.root]);
    await new Promise((resolve) => following.stdout?.once('data', resolve));
    appendFileSync(logs, `${JSON.stringify({ ...of, message: 'two' })}\n`);
    writeSegment(store, [run], { writer: 'live', experiment: EXPERIMENT, submission: 's9' });
    const { stdout, code } = await following.finished;
    expect(stdout).toMatch(/one\n.*two\n$/);
    expect(code).toBe(0);
  });

  it('list artifacts and give their bytes', async () => {
    expect((await read('artifacts', RUN)).stdout).toMatch(/fit\s+figure\s+svg\s+6 B/);
    expect((await read('artifacts', RUN, '--get', 'fit')).stdout).toBe(SVG);
    const file = join(store.root, '..', 'fit.svg');
    await read('artifacts', RUN, '--get', 'fit', '--output', file);
    expect(readFileSync(file, 'utf8')).toBe(SVG);
    const unknown = await read('artifacts', RUN, '--get', 'fat');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('one of: fit')]);
  });
});

describe('the command table', () => {
  it('has help with examples on every reading command', async () => {
    for (const command of ['list', 'results', 'show', 'logs', 'artifacts']) {
      const { stdout, code } = await metalab([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}metalab /);
      expect(stdout).toContain('--json');
    }
  });

  it('ends with 2 for unknown commands, options and missing arguments, and shows a stack with -v only', async () => {
    for (const args of [['resluts'], ['results'], ['list', '--colour'], ['results', 'x', '--limit', 'ten']]) {
      expect((await metalab(args)).code).toBe(2);
    }
    expect((await read('show', 'zzzzzz', '-v')).stderr).toMatch(/METALAB_UNKNOWN_PREFIX[\s\S]*\n\s+at /);
  });
});
