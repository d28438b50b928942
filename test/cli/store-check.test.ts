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
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { parsePackUri } from '../../src/storage/file/formats/pack.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { Project } from '../support/project.js';

const RUNS = 12;
/** Each test gets it as it is after the first submit. */
const project = new Project(afterAll);

interface Report {
  readonly counts: { readonly errors: number; readonly warnings: number; readonly notes: number };
  readonly findings: readonly {
    readonly severity: string;
    readonly kind: string;
    readonly path: string;
    readonly offset?: number;
    readonly what: string;
    readonly repaired: string | null;
  }[];
}

const folder = (name: string) => join(project.store, 'e@1', name);
const only = (name: string) => join(folder(name), readdirSync(folder(name))[0]!);
const submission = () => only('submissions');
const segment = (kind = '') => {
  const place = only('segments');
  const names = readdirSync(place).filter((name) =>
    kind ? name.startsWith(kind) : !/^(logs|data|series)-/.test(name),
  );
  return join(place, names[0]!);
};
const pack = () => join(only('packs'), readdirSync(only('packs'))[0]!);
const bundle = () => join(only('bundles'), 'operation.mjs');

async function check(...args: string[]): Promise<Report & { readonly code: number | null }> {
  const { stdout, stderr, code } = await metalab(['store', 'check', '--json', ...args], {
    cwd: project.folder,
  });
  if (!stdout) throw new Error(stderr);
  return { ...(JSON.parse(stdout) as Report), code };
}
const submit = (...args: string[]) => submitJson(['e.ts', ...args], { cwd: project.folder });

const EXPERIMENT = experimentText({
  body: "capture.metric('y', 2 * params.x); capture.artifact('a', 'x'.repeat(10 + params.x)); console.log('said'); capture.metric('s', 1, { step: 1 });",
  properties: `params: grid({ x: Array.from({ length: ${RUNS} }, (_, x) => x) })`,
});

beforeAll(async () => {
  await project.write({ 'e.ts': EXPERIMENT });
  expect((await submit('--slots', '1')).outcome).toMatchObject({ success: RUNS });
  project.save();
});

beforeEach(() => project.restore());

test('store check of an undamaged store reports no findings, and how much was checked', async () => {
  expect(await check()).toMatchObject({ code: 0, counts: { errors: 0, warnings: 0 }, findings: [] });
  const { stdout } = await metalab(['store', 'check'], { cwd: project.folder });
  expect(stdout).toMatch(
    /^checked 1 experiment, 1 submission, \d segments, 12 records, 12 artifacts, .*: nothing is wrong$/m,
  );
});

const recordsOf = async () => (await resultsJson('e:1', project.store)) as unknown as RunRecord[];

/** Makes of the store what an older version would have written: a file for each artifact. @returns their names */
function artifactsAsFiles(): string[] {
  const bytes = readFileSync(pack());
  mkdirSync(folder('artifacts'));
  const text = readFileSync(segment(), 'utf8').replace(
    /"uri":"([^"]+)","content_hash":"([^"]+)"/g,
    (_, uri: string, sha: string) => {
      const { offset, size } = parsePackUri(uri)!;
      writeFileSync(join(folder('artifacts'), sha), bytes.subarray(offset, offset + size));
      return `"uri":"artifacts/${sha}","content_hash":"${sha}"`;
    },
  );
  writeFileSync(segment(), text);
  rmSync(folder('packs'), { recursive: true });
  rmSync(folder('runs'), { recursive: true });
  return readdirSync(folder('artifacts'));
}

/** Gives the segment's lines to several, in order. @returns their paths */
function splitSegment(parts: number): string[] {
  const whole = segment();
  const lines = readFileSync(whole, 'utf8').split('\n').slice(0, -1);
  rmSync(whole);
  // It covers a segment that is gone now.
  rmSync(folder('runs'), { recursive: true });
  const each = lines.length / parts;
  return Array.from({ length: parts }, (_, part) => {
    const path = whole.replace(/\.ndjson$/, `${part}.ndjson`);
    writeFileSync(
      path,
      lines
        .slice(part * each, (part + 1) * each)
        .map((line) => `${line}\n`)
        .join(''),
    );
    return path;
  });
}

/** Lines of records, and what is wrong with each once it is changed. */
const DAMAGES: readonly { readonly change: (line: string) => string; readonly what: string }[] = [
  { change: (line) => line.replace('{"run_id"', '#"run_id"'), what: 'is no record' },
  { change: (line) => line.replace('"metrics":{', '"metrics":{{'), what: 'is no record' },
  // What only a parser sees.
  { change: (line) => line.replace('"y":', '"y":e'), what: 'is no JSON' },
  { change: (line) => line.replace('"metrics":', '"metrics"\0'), what: 'NUL bytes' },
  { change: (line) => line.replace(/"run_id":"..../, '"run_id":"0000'), what: 'run_id' },
  { change: (line) => line.replace('"params":{"x":', '"params":{"x":7'), what: 'params_fingerprint' },
];

describe('damage is reported, and repaired by the next submit or by --repair', () => {
  test('damaged records are reported one by one, moved to quarantine, and executed again', async () => {
    const whole = await resultsJson('e:1', project.store);
    const segments = splitSegment(DAMAGES.length).map((path, index) => {
      const lines = readFileSync(path, 'utf8').split('\n');
      const changed = DAMAGES[index]!.change(lines[1]!);
      expect(changed).not.toBe(lines[1]);
      writeFileSync(path, [lines[0], changed, ...lines.slice(2)].join('\n'));
      return { path, offset: Buffer.byteLength(lines[0]!) + 1, damaged: readFileSync(path) };
    });
    const found = await check();
    expect(found).toMatchObject({ code: 1, counts: { errors: DAMAGES.length, warnings: 0 } });
    for (const [index, { path, offset }] of segments.entries())
      expect(found.findings.find((finding) => join(project.store, finding.path) === path)).toMatchObject({
        kind: 'segment-damaged',
        what: expect.stringContaining(DAMAGES[index]!.what),
        offset,
      });

    for (const { repaired } of (await check('--repair')).findings)
      expect(repaired).toMatch(/1 damaged lines taken out/);
    expect(await check()).toMatchObject({ code: 0, findings: [] });
    for (const { path, damaged } of segments)
      expect(readFileSync(join(folder('quarantine'), path.slice(folder('').length)))).toEqual(damaged);
    const executed = DAMAGES.length;
    expect((await submit()).outcome).toMatchObject({ reused: RUNS - executed, executed, success: RUNS });
    const again = await resultsJson('e:1', project.store);
    expect(again.map(({ metrics }) => metrics)).toEqual(whole.map(({ metrics }) => metrics));
  });

  test('a torn last line and NUL bytes at the end of a segment are only notes', async () => {
    appendFileSync(segment(), '{"run_id":"abc');
    appendFileSync(segment('logs-'), Buffer.alloc(100));
    const found = await check();
    expect(found).toMatchObject({ code: 0, counts: { errors: 0, warnings: 0, notes: 2 } });
    expect(found.findings.map(({ kind }) => kind).sort()).toEqual(['segment-nul-tail', 'segment-torn-tail']);
  });

  test('after a segment was deleted, the next submit executes its runs again', async () => {
    rmSync(segment());
    expect((await submit()).outcome).toMatchObject({ reused: 0, executed: RUNS, success: RUNS });
    expect((await check()).code).toBe(0);
  });

  test.each([
    ['a bundle', bundle, 'bundle-damaged'],
    ['a declaration', () => only('declarations'), 'declaration-damaged'],
    ['a plan', () => join(submission(), 'plan.json'), 'manifest-damaged'],
    ['an outcome', () => join(submission(), 'outcome.json'), 'manifest-damaged'],
    ['a submission', () => join(submission(), 'submission.json'), 'manifest-damaged'],
    ['the manifest', () => folder('experiment.json'), 'manifest-damaged'],
  ])('%s that is torn is reported, submits go on, and --repair mends it', async (_, place, kind) => {
    truncateSync(place(), 20);
    const found = await check();
    expect(found.code).toBe(1);
    expect(found.findings[0]).toMatchObject({ kind });
    expect(join(project.store, found.findings[0]!.path)).toBe(place());
    expect(await submit()).toMatchObject({ code: 0, outcome: { reused: RUNS, executed: 0 } });
    await check('--repair');
    expect(await check()).toMatchObject({ code: 0 });
  });

  test('--repair writes a deleted manifest from the newest submission', async () => {
    const before = JSON.parse(readFileSync(folder('experiment.json'), 'utf8')) as object;
    rmSync(folder('experiment.json'));
    expect((await check()).findings[0]).toMatchObject({ kind: 'manifest-missing' });
    await check('--repair');
    expect(JSON.parse(readFileSync(folder('experiment.json'), 'utf8'))).toEqual({ ...before, git: null });
    expect(await resultsJson('e:1', project.store)).toHaveLength(RUNS);
  });

  test('a pack with a damaged artifact is reported, and --repair takes it out and keeps every other', async () => {
    const records = await recordsOf();
    const bytes = readFileSync(pack());
    const { offset } = parsePackUri(records[3]!.artifacts[0]!.uri)!;
    bytes.write('X', offset);
    writeFileSync(pack(), bytes);
    const found = await check();
    expect(found.code).toBe(1);
    expect(found.findings).toMatchObject([
      { kind: 'pack-damaged', what: expect.stringContaining(`bytes at ${offset - 78}`) },
    ]);
    expect(join(project.store, found.findings[0]!.path)).toBe(pack());
    expect((await check('--quick')).findings).toEqual([]);
    const get = (at: number) =>
      metalab(['artifacts', records[at]!.run_id, '--get', 'a'], { cwd: project.folder });
    expect(await get(3)).toMatchObject({ code: 3, stderr: expect.stringContaining('damaged') });
    await check('--repair');
    expect(readFileSync(join(folder('quarantine'), pack().slice(folder('').length)))).toEqual(bytes);
    expect((await check()).findings).toMatchObject([
      {
        kind: 'artifact-missing',
        what: expect.stringContaining("names 1 artifacts that are not in the store: 'a'"),
      },
    ]);
    expect(await get(3)).toMatchObject({ code: 3, stderr: expect.stringContaining('not in the store') });
    expect((await get(4)).stdout).toBe('x'.repeat(10 + (records[4]!.params.x as number)));
  });

  test('a pack that is torn costs what was in its torn part; a deleted one is named, and its runs can be done again', async () => {
    const records = await recordsOf();
    const last = records.at(-1)!.artifacts[0]!;
    truncateSync(pack(), parsePackUri(last.uri)!.offset + 1);
    const torn = await check();
    expect(torn).toMatchObject({ code: 1, counts: { errors: 1, warnings: 0, notes: 1 } });
    expect(torn.findings.map(({ kind, what }) => [kind, what])).toEqual([
      ['artifact-missing', expect.stringContaining(last.uri)],
      ['pack-torn-tail', expect.stringContaining('bytes at the end')],
    ]);
    rmSync(pack());
    expect((await check('--quick')).findings).toMatchObject([
      { kind: 'artifact-missing', what: expect.stringMatching(/names 12 artifacts .*\.0\.pack#/) },
    ]);
    expect((await submit()).outcome).toMatchObject({ reused: RUNS, executed: 0 });
    expect((await submit('--fresh')).outcome).toMatchObject({ success: RUNS });
    const [again] = await recordsOf();
    const { stdout } = await metalab(['artifacts', again!.run_id, '--get', 'a'], { cwd: project.folder });
    expect(stdout).toBe('x'.repeat(10 + (again!.params.x as number)));
  });

  test('missing and altered files of artifacts are reported, and --repair moves the altered one to quarantine', async () => {
    const files = artifactsAsFiles();
    expect(await check()).toMatchObject({ code: 0, findings: [] });
    const [first, second] = files as [string, string];
    rmSync(join(folder('artifacts'), first));
    const altered = join(folder('artifacts'), second);
    writeFileSync(altered, readFileSync(altered, 'utf8').toUpperCase());
    const found = await check();
    expect(found.findings.map(({ kind }) => kind).sort()).toEqual(['artifact-damaged', 'artifact-missing']);
    expect((await check('--quick')).findings.map(({ kind }) => kind)).toEqual(['artifact-missing']);
    await check('--repair');
    expect(existsSync(altered)).toBe(false);
    expect(existsSync(join(folder('quarantine'), 'artifacts', second))).toBe(true);
  });

  test('leftover temporary files and values of environment variables are reported and removed', async () => {
    const left = [
      join(project.store, '.probe-1-aa.tmp'),
      join(folder('artifacts'), '.tmp-1-aa'),
      join(only('packs'), '.w.0.pack.1-aa.tmp'),
      join(submission(), 'env.json'),
    ];
    mkdirSync(folder('artifacts'));
    for (const path of left) writeFileSync(path, '{}');
    expect(await check()).toMatchObject({ code: 1, counts: { errors: 0, warnings: 4 } });
    expect(await check('--repair')).toMatchObject({ code: 0 });
    expect(left.filter((path) => existsSync(path))).toEqual([]);
  });
});

test('store gc deletes exactly what nothing refers to', async () => {
  const orphan = join(folder('artifacts'), 'a'.repeat(64));
  mkdirSync(folder('artifacts'));
  writeFileSync(orphan, 'x'.repeat(1000));
  const unused = join(folder('declarations'), `${'b'.repeat(64)}.json`);
  writeFileSync(unused, '{}');
  await project.write({ 'e.ts': EXPERIMENT.replace("'a', 'x'", "'a', 'z'") });
  await submit();
  const dry = await metalab(['store', 'gc', '--dry-run', '--json'], { cwd: project.folder });
  const { deleted, bytes } = JSON.parse(dry.stdout) as { deleted: { path: string }[]; bytes: number };
  expect(deleted.map(({ path }) => join(project.store, path)).sort()).toEqual([orphan, unused].sort());
  expect(bytes).toBe(1002);
  expect(existsSync(orphan)).toBe(true);
  expect((await metalab(['store', 'gc'], { cwd: project.folder })).code).toBe(0);
  expect(existsSync(orphan) || existsSync(unused)).toBe(false);
  expect(await check()).toMatchObject({ code: 0, findings: [] });
  expect((await submit()).outcome).toMatchObject({ executed: 0 });
});

test('store gc deletes a pack whose runs were done again, and no file of an artifact that a record names', async () => {
  const old = pack();
  expect((await submit('--fresh')).outcome).toMatchObject({ executed: RUNS });
  const gc = await metalab(['store', 'gc', '--json'], { cwd: project.folder });
  const { deleted } = JSON.parse(gc.stdout) as { deleted: { path: string }[] };
  expect(deleted.map(({ path }) => join(project.store, path))).toEqual([old]);
  expect(await check()).toMatchObject({ code: 0, findings: [] });
  project.restore();
  artifactsAsFiles();
  expect((await metalab(['store', 'gc'], { cwd: project.folder })).stdout).toContain('nothing to delete');
  expect(readdirSync(folder('artifacts'))).toHaveLength(RUNS);
});
