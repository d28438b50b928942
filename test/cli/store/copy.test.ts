import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { openFileStore } from '../../../src/storage/file/open.js';
import { OTHER, SAMPLE } from '../../../src/testing/sample-store.js';
import { temporaryFolder } from '../../storage/file/temporary-store.js';
import { metalab, startMetalab } from '../../support/metalab.js';
import { recordOf, writeSegment } from '../../support/records.js';
import { filesOf, put, WRITER, wholeStore } from './whole-store.js';

const copy = (from: string, to: string, ...more: string[]) =>
  metalab(['store', 'copy', '--from', from, '--to', to, ...more]);

async function copied(from: string, to: string, ...more: string[]) {
  const { code, stdout, stderr } = await copy(from, to, '--json', ...more);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).experiments as { readonly [key: string]: unknown }[];
}

/** What `store check` finds. The sample's run_ids are no hashes of its fingerprints. */
async function findingsIn(root: string): Promise<string> {
  const { stdout } = await metalab(['store', 'check', '--json', '--store', root]);
  const { findings } = JSON.parse(stdout) as { findings: { kind: string; path: string; what: string }[] };
  const lasting = findings.filter(({ kind }) => kind !== 'leftover');
  return lasting.map(({ kind, path, what }) => `${kind} ${path.slice(path.indexOf('@'))} ${what}`).join('\n');
}

const target = () => join(temporaryFolder(), 'target');

describe('a copy', () => {
  it('has every file, and a second copy brings only what is new', async () => {
    const { store } = await wholeStore();
    const to = target();
    const first = await copied(store.root, to);
    expect(first).toMatchObject([
      { experiment_id: OTHER, conflicts: [] },
      { experiment_id: SAMPLE, conflicts: [], runs: 12, source_runs: 12 },
    ]);
    const files = filesOf(store.root);
    expect(Object.keys(files).length).toBeGreaterThan(15);
    expect(filesOf(to)).toEqual(files);
    expect(readdirSync(to, { recursive: true }).join('\n')).not.toMatch(
      /env\.json|live|quarantine|\.tmp|lease/,
    );
    expect(await copied(store.root, to)).toMatchObject([{ files: 0 }, { files: 0, runs: 12 }]);

    const segment = join(store.experimentFolder(SAMPLE), 'segments', 's2', `${WRITER}.ndjson`);
    appendFileSync(segment, `${JSON.stringify(recordOf({ index: 40, experiment_id: SAMPLE }))}\n`);
    expect(await copied(store.root, to)).toMatchObject([{ files: 0 }, { files: 1, runs: 13 }]);
    expect(filesOf(to)).toEqual(filesOf(store.root));
    expect(await findingsIn(to)).toEqual(await findingsIn(store.root));
  });

  it('answers as its source does, compacted or not', async () => {
    const { store } = await wholeStore();
    const answer = async (root: string) =>
      JSON.parse(
        (await metalab(['results', SAMPLE, '--all', '--json', '--store', root])).stdout,
      ) as unknown[];
    const plain = target();
    await copied(store.root, plain);
    expect((await answer(plain)).length).toBe(12);
    expect(await answer(plain)).toEqual(await answer(store.root));
    await metalab(['store', 'compact', '--store', store.root]);
    const compacted = target();
    await copied(store.root, compacted);
    expect(existsSync(join(compacted, 'sample@1.0', 'runs', 'runs.parquet'))).toBe(true);
    expect(await answer(compacted)).toEqual(await answer(store.root));
  });

  it('brings the runs of two stores together, both ways', async () => {
    const { store } = await wholeStore();
    const to = target();
    await copied(store.root, to);
    const there = await openFileStore(to);
    writeSegment(store, [recordOf({ index: 50, experiment_id: SAMPLE })], {
      experiment: SAMPLE,
      writer: 'here-1-a',
    });
    writeSegment(there, [recordOf({ index: 51, experiment_id: SAMPLE })], {
      experiment: SAMPLE,
      writer: 'there-1-a',
    });
    const manifest = (await there.readManifest(SAMPLE))!;
    await there.writeManifest({
      ...manifest,
      submitted_at: '2026-03-01T00:00:00.000Z',
      description: 'later',
    });
    expect(await copied(store.root, to, '--experiment', 'sample')).toMatchObject([
      { runs: 14, source_runs: 13 },
    ]);
    expect((await there.readManifest(SAMPLE))?.description).toBe('later');
    expect(await copied(to, store.root)).toMatchObject([{}, { runs: 14 }]);
    expect((await store.readManifest(SAMPLE))?.description).toBe('later');
    expect(filesOf(to)).toEqual(filesOf(store.root));
  });

  it('that is killed at any time is whole when it is done again', { timeout: 240_000 }, async () => {
    const { store, folder } = await wholeStore();
    for (let i = 0; i < 400; i++) put(folder, `submissions/s2/slurm-out/13_${i}.out`, 'words\n'.repeat(i));
    const to = target();
    for (let kills = 0; kills < 6; kills++) {
      const running = startMetalab(['store', 'copy', '--from', store.root, '--to', to]);
      for (const end = performance.now() + 60_000; performance.now() < end; await sleep(2))
        if (running.exitCode !== null || filesSoFar(to) > 60 * kills) break;
      running.kill('SIGKILL');
      await running.finished;
      // A lease that nobody renews is waited for.
      rmSync(join(to, 'lease.json'), { force: true });
    }
    await copied(store.root, to);
    expect(filesOf(to)).toEqual(filesOf(store.root));
    await metalab(['store', 'check', '--repair', '--store', to]);
    expect(readdirSync(to, { recursive: true }).join('\n')).not.toMatch(/\.tmp$/m);
  });

  it('leaves artifacts or logs out on request, and copies them later', async () => {
    const { store } = await wholeStore();
    const to = target();
    await copied(store.root, to, '--no-artifacts', '--no-logs');
    const names = Object.keys(filesOf(to)).join('\n');
    expect(names).not.toMatch(/\/(artifacts|packs|slurm-out)\/|logs-/);
    expect(names).toContain(`/segments/s2/${WRITER}.ndjson`);
    await copied(store.root, to);
    expect(filesOf(to)).toEqual(filesOf(store.root));
  });
});

const filesSoFar = (root: string) => (existsSync(root) ? readdirSync(root, { recursive: true }).length : 0);

describe('files that both stores have', () => {
  async function twoStores() {
    const { store, folder } = await wholeStore();
    const to = target();
    await copied(store.root, to);
    return { from: store.root, to, folder, there: join(to, 'sample@1.0') };
  }
  const artifactIn = (folder: string) =>
    join(folder, 'artifacts', readdirSync(join(folder, 'artifacts'))[0]!);

  test('take bytes that the other has where one has none', async () => {
    const { from, to, folder, there } = await twoStores();
    const segment = `segments/s2/${WRITER}.ndjson`;
    const pack = join('packs', 's2', readdirSync(join(folder, 'packs', 's2'))[0]!);
    const lines = readFileSync(join(folder, segment), 'utf8').split('\n');
    const blank = (at: number) =>
      lines.map((line, i) => (i === at ? '\n'.repeat(line.length) : line)).join('\n');
    const bytes = readFileSync(join(folder, pack));
    const hole = (begin: number, end: number) =>
      Buffer.concat([bytes.subarray(0, begin), Buffer.alloc(end - begin), bytes.subarray(end)]);
    writeFileSync(join(there, segment), blank(0));
    writeFileSync(join(folder, segment), blank(2));
    writeFileSync(join(there, pack), hole(0, 9_100));
    truncateSync(join(folder, pack), 18_100);
    expect(await copied(from, to)).toMatchObject([
      {},
      { files: 2, runs: 12, filled_holes: true, conflicts: [] },
    ]);
    expect(readFileSync(join(there, segment), 'utf8')).toBe(lines.join('\n'));
    expect(readFileSync(join(there, pack)).equals(bytes)).toBe(true);
    expect(await findingsIn(to)).not.toContain('pack');
  });

  test('that differ stay as they are in both, and are named', async () => {
    const { from, to, there } = await twoStores();
    const segment = join(there, 'segments', 's2', `${WRITER}.ndjson`);
    const text = readFileSync(segment, 'utf8').replace('"samples":100', '"samples":101');
    writeFileSync(segment, text);
    const { code, stderr } = await copy(from, to);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`segments/s2/${WRITER}.ndjson: they differ at byte \\d+`));
    expect(readFileSync(segment, 'utf8')).toBe(text);
  });

  test('and are named by their content: a damaged one is replaced, and never taken', async () => {
    const { from, to, folder, there } = await twoStores();
    const sound = readFileSync(artifactIn(there));
    writeFileSync(artifactIn(there), 'damaged');
    expect(await copied(from, to)).toMatchObject([{}, { files: 1 }]);
    expect(readFileSync(artifactIn(there)).equals(sound)).toBe(true);
    writeFileSync(artifactIn(folder), 'damaged');
    rmSync(artifactIn(there));
    const { code, stderr } = await copy(from, to);
    expect(code).toBe(1);
    expect(stderr).toContain('the source is damaged');
    expect(readdirSync(join(there, 'artifacts'))).toEqual([]);
  });
});

describe('a copy is refused', () => {
  test.each([
    ['to the same store', async (root: string) => [root], 2, 'is the store to copy from'],
    [
      'to a folder with other things',
      async () => {
        const to = temporaryFolder();
        put(to, 'thesis.tex', '');
        return [to];
      },
      2,
      'holds other things',
    ],
    ['to no store', async () => [undefined], 2, '--to STORE'],
    [
      'of experiments that are not there, all of which are named',
      async () => [target(), '--experiment', 'nope', '--experiment', 'nada'],
      2,
      /nope[\s\S]*nada/,
    ],
    [
      'to a store of another fingerprint scheme',
      async () => {
        const to = target();
        put(to, 'store.json', '{"id":"00112233445566aa","scheme":0,"created_at":"2026-01-01T00:00:00.000Z"}');
        return [to];
      },
      2,
      'another run_id there',
    ],
  ])('%s', async (_, makeArguments, code, words) => {
    const { store } = await wholeStore();
    const [to, ...more] = await makeArguments(store.root);
    const args = [
      'store',
      'copy',
      '--from',
      store.root,
      ...(to === undefined ? [] : ['--to', to]),
      ...(more as string[]),
    ];
    const result = await metalab(args);
    expect(result.stderr).toMatch(words);
    expect(result.code).toBeGreaterThanOrEqual(code);
  });

  test('while an engine uses the other store', async () => {
    const { store } = await wholeStore();
    const there = await openFileStore(target(), { create: true });
    await there.lease.during('another command', async () => {
      const { stderr, code } = await copy(store.root, there.root);
      expect(stderr).toContain('is in use by another command');
      expect(code).not.toBe(0);
    });
    expect(await there.experiments()).toEqual([]);
  });

  /** A file system of its own needs root. */
  test.skipIf(process.getuid?.() !== 0)('by a full disk, and goes on when there is room', async () => {
    const { store } = await wholeStore();
    const to = target();
    mkdirSync(to);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', to]);
    onTestFinished(() => void execFileSync('umount', [to]));
    const { stderr, code } = await copy(store.root, to);
    expect(code).not.toBe(0);
    expect(stderr).toContain('the disk is full');
    expect(readdirSync(to, { recursive: true }).join('\n')).not.toContain('.tmp');
    execFileSync('mount', ['-o', 'remount,size=20M', to]);
    await copied(store.root, to);
    expect(filesOf(to)).toEqual(filesOf(store.root));
  });
});
