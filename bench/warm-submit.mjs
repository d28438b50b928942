import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program, wallSeconds } from './processes.mjs';
import { median } from './report.mjs';

const ONE_RUN = `
import { experiment, grid, operation, seeds } from 'metalab';
export const one = operation(({ params, capture }) => capture.metric('x', params.x));
export default experiment({ name: 'one', version: 'VERSION', operation: one, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });
`;

/** One run from the command line, everything running already, beside the start of Node itself. */
export function measureWarmSubmit(scratch, rounds, report) {
  const times = { node: [], submit: [] };
  const file = join(scratch, 'one.mjs');
  for (let round = 0; round < rounds; round++) {
    // Another version each time: a run that is executed, not reused.
    writeFileSync(file, ONE_RUN.replace('VERSION', String(round)));
    times.node.push(wallSeconds(['-e', '0'], scratch));
    times.submit.push(
      wallSeconds([program, 'submit', file, '--store', join(scratch, 'one'), '--json'], scratch),
    );
  }
  const [node, submit] = [median(times.node), median(times.submit)];
  report.seconds('node_seconds', node, 'node -e 0');
  report.seconds('warm_submit_seconds', submit, 'warm submit of one run', 'expected ≤ 1.0 s');
  report.row('warm_submit_ratio', submit / node, '  ratio to node -e 0', (submit / node).toFixed(1));
}
