import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LONG, SHORT, sortedGrid } from './sorted-grid.mjs';

const SLOTS = 2;

/** Which part of two slots' time a sorted grid's runs take, from submit to result. */
export async function measureUtilisation(lab, scratch, report) {
  report.title('slot utilisation');
  const store = join(scratch, 'sorted');
  const began = performance.now();
  const handle = await lab.submit(sortedGrid(), { store, slots: SLOTS });
  await handle.outcome();
  const elapsed = performance.now() - began;
  const segments = join(store, 'sorted-grid@1', 'segments', handle.submission);
  const records = readdirSync(segments).flatMap((file) =>
    readFileSync(join(segments, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  const busy = records.reduce((sum, { duration_ms }) => sum + duration_ms, 0);
  const what = `${SHORT.runs} runs of ${SHORT.ms} ms, then ${LONG.runs} of ${LONG.ms / 1000} s`;
  report.seconds('sorted_grid_seconds', elapsed / 1000, what);
  report.ratio('utilisation', busy / (SLOTS * elapsed), 'slots busy', 'expected ≥ 0.95');
}
