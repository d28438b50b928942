import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
    /^checked 1 experiments, 1 submissions, \d segments, 12 records, 12 artifacts, .*: nothing is wrong$/m,
  );
});

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

  test('missing and altered artifacts are reported, and --repair moves the altered one to quarantine', async () => {
    const [first, second] = readdirSync(folder('artifacts')) as [string, string];
    rmSync(join(folder('artifacts'), first));
    const altered = join(folder('artifacts'), second);
    writeFileSync(altered, readFileSync(altered, 'utf8').toUpperCase());
    const found = await check();
    expect(found.findings.map(({ kind }) => kind).sort()).toEqual(['artifact-damaged', 'artifact-missing']);
    expect((await check('--quick')).findings.map(({ kind }) => kind)).toEqual(['artifact-missing']);
    await check('--repair');
    expect(existsSync(altered)).toBe(false);
    expect(existsSync(join(folder('quarantine'), 'artifacts', second))).toBe(true);
    expect((await submit('--fresh')).outcome).toMatchObject({ success: RUNS });
    expect(readdirSync(folder('artifacts'))).toHaveLength(RUNS);
  });

  test('leftover temporary files and values of environment variables are reported and removed', async () => {
    const left = [
      join(project.store, '.probe-1-aa.tmp'),
      join(folder('artifacts'), '.tmp-1-aa'),
      join(submission(), 'env.json'),
    ];
    for (const path of left) writeFileSync(path, '{}');
    expect(await check()).toMatchObject({ code: 1, counts: { errors: 0, warnings: 3 } });
    expect(await check('--repair')).toMatchObject({ code: 0 });
    expect(left.filter((path) => existsSync(path))).toEqual([]);
  });
});

test('store gc deletes exactly what nothing refers to', async () => {
  const orphan = join(folder('artifacts'), 'a'.repeat(64));
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
