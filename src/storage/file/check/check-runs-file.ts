import { findLost } from '../formats/coverage.js';
import { readCoverage } from '../formats/runs-file.js';
import { runsFile } from '../layout.js';
import type { Check, Finding } from './finding.js';
import { moveToQuarantine } from './quarantine.js';

/** Segments that compacted records cover, and that are gone or shorter than they were: nothing else tells of them. */
export async function* checkRunsFile({ folder }: Check): AsyncGenerator<Finding> {
  const coverage = await readCoverage(folder, { evenStale: true });
  if (!coverage) return;
  let moved: Promise<string> | undefined;
  for (const { path, bytes, coveredBytes } of await findLost(folder, coverage.segments)) {
    yield {
      severity: 'error',
      kind: 'segment-missing',
      path,
      what: `${bytes === undefined ? 'is gone' : `has ${bytes} bytes left`}, and had ${coveredBytes} when the runs were compacted`,
      costs: 'the runs that it recorded: the next submit does them again',
      remedy:
        'copy it from where it is whole; --repair moves runs/runs.parquet, which still has their rows and which nobody reads any more, to quarantine/',
      repair: {
        run: async () => {
          moved ??= moveToQuarantine(folder, runsFile(folder));
          return `runs.parquet moved to ${await moved}`;
        },
      },
    };
  }
}
