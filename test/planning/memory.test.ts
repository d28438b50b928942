import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { ExperimentDeclaration } from '../../src/definition/declaration.js';
import { Cells } from '../../src/identity/cells.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, recordOf, writeSegment } from '../support/records.js';

/** So many that a Map of their run_ids (about 100 bytes each) would not fit the heap below. */
const CELLS = 400_000;
const HEAP_MB = 24;
/** What reading and writing take, however many cells there are. */
const CONSTANT_BYTES = 8 * 1024 * 1024;

const DECLARATION = {
  experiment_id: EXPERIMENT,
  params: { kind: 'grid', axes: { x: Array.from({ length: 1000 }, (_, x) => x) } },
  seeds: { base: 1, replicates: CELLS / 1000 },
  context_fingerprint: 'e'.repeat(32),
  operation: { code_fingerprint: 'c'.repeat(32) },
};

const PROGRAM = `
import { mkdirSync } from 'node:fs';
const [folder, declaration, modules] = process.argv.slice(1);
const load = (name) => import(modules + name);
const [{ decidePlan }, { readEntries, writeEntries }, { tallyPlan }] =
  await Promise.all(['planning/decide.js', 'storage/file/formats/plan-entries.js', 'planning/tally.js'].map(load));
let peak = 0;
setInterval(() => { peak = Math.max(peak, process.memoryUsage().arrayBuffers); }, 1).unref();
const options = { fresh: false, keep_failed: false };
const { manifest, entries } = await decidePlan(folder, JSON.parse(declaration), 'sha', options, 0);
mkdirSync(folder + '/submissions/s9', { recursive: true });
await writeEntries(folder, 's9', entries);
const { missing } = await tallyPlan(folder, 's9', readEntries(folder, { ...manifest, submission: 's9' }), undefined, 0);
console.log(JSON.stringify({ peak, new: manifest.new, stale: manifest.stale, missing }));
`;

it('planning takes at most 32 bytes a run, and keeps nothing of a run on the heap', async () => {
  const store = await temporaryStore();
  const folder = store.experimentFolder(EXPERIMENT);
  const lines: object[] = [];
  // One record of the plan's own, and one of another code: so stale runs are looked for too.
  const declaration = DECLARATION as unknown as ExperimentDeclaration;
  const cells = new Cells(declaration);
  for (const index of [0, 1]) {
    const { runId, case: ofCase, seedFingerprint: seed_fingerprint } = cells.at(index);
    const run_id = index === 0 ? runId : 'a'.repeat(32);
    lines.push(recordOf({ run_id, index, params_fingerprint: ofCase.paramsFingerprint, seed_fingerprint }));
  }
  writeSegment(store, lines);
  const { stdout } = await promisify(execFile)(process.execPath, [
    `--max-old-space-size=${HEAP_MB}`,
    '--input-type=module',
    '--eval',
    PROGRAM,
    folder,
    JSON.stringify(DECLARATION),
    new URL('../../dist/', import.meta.url).href,
  ]);
  const found = JSON.parse(stdout) as { peak: number };
  expect(found).toMatchObject({
    new: CELLS - 1,
    stale: { code: 1, context: 0 },
    missing: [{ from: 0, to: CELLS - 1 }],
  });
  expect(found.peak).toBeLessThanOrEqual(32 * CELLS + CONSTANT_BYTES);
  // Or nothing was measured.
  expect(found.peak).toBeGreaterThan(16 * CELLS);
});
