import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bundleFile, declarationFile, planEntriesFile, planFile } from '../../../src/storage/file/layout.js';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const list = [
  [0, 0],
  [2, 1],
] as const;

describe('a slot does no run of a submission whose files are damaged, and names the file', () => {
  const bundle = () => bundleFile(sweep.folder, sweep.declaration.operation.bundle);
  const declaration = () => declarationFile(sweep.folder, sweep.declared);
  const plan = () => planFile(sweep.folder, 's1');
  const entries = () => planEntriesFile(sweep.folder, { submission: 's1' });
  test.each([
    ['a bundle that was altered', bundle, (path: string) => appendFileSync(path, '\n// harmless')],
    ['a bundle that is gone', bundle, (path: string) => rmSync(path)],
    ['a declaration that was altered', declaration, (path: string) => appendFileSync(path, ' ')],
    ['a declaration that is gone', declaration, (path: string) => rmSync(path)],
    ['a plan that is torn', plan, (path: string) => truncateSync(path, 10)],
    ['a plan that is gone', plan, (path: string) => rmSync(path)],
    ['entries of a plan that are torn', entries, (path: string) => truncateSync(path, 12)],
    ['entries of a plan that are gone', entries, (path: string) => rmSync(path)],
  ])('%s', async (_, path, damage) => {
    start({ code: body(''), cases: 3, list });
    damage(path());
    const fault = await sweep.run().catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'FILES', report: { success: 0, failed: 0 } });
    expect((fault as Error).message).toContain(path());
    expect((fault as Error).message).toContain('submit the experiment again');
  });

  test('entries of a plan whose bytes are others than its manifest says', async () => {
    start({ code: body(''), cases: 3, list });
    const manifest = JSON.parse(readFileSync(plan(), 'utf8')) as object;
    writeFileSync(plan(), JSON.stringify({ ...manifest, entries_sha256: 'f'.repeat(64) }));
    await expect(sweep.run()).rejects.toThrow(/plan\.bin: the plan is damaged: its SHA-256/);
  });
});

test('a segment that is deleted under its slot counts for nothing: the chunk is a fault, and is done again', async () => {
  start({
    code: body(
      "if (params.x === 1) for (const name of fs.readdirSync(process.env.ROOT + '/sweep@1/segments/s1')) fs.rmSync(process.env.ROOT + '/sweep@1/segments/s1/' + name); const end = performance.now() + 30; while (performance.now() < end) {}",
    ),
    cases: 3,
  });
  await expect(sweep.run()).rejects.toMatchObject({ code: 'ESTALE', report: { success: 0 } });
});

test('a pack that is deleted under its slot counts for nothing either', async () => {
  start({
    code: body(
      "if (params.x === 1) fs.rmSync(process.env.ROOT + '/sweep@1/packs', { recursive: true }); capture.artifact('a', 'of ' + params.x); const end = performance.now() + 30; while (performance.now() < end) {}",
    ),
    cases: 3,
  });
  await expect(sweep.run()).rejects.toMatchObject({ code: 'ESTALE', report: { success: 0 } });
});
