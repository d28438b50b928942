import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take more than a minute beside others, longest first. An order that is out of date costs time,
 * nothing else.
 */
const LONGEST = [
  'services/faults',
  'results/wide',
  'storage/postgresql/results',
  'storage/postgresql/sweep',
  'slurm/tasks-ended',
  'server/on-postgres',
  'workers/newcomers',
  'soak/soak',
  'slurm/cancelled-while-away',
  'examples/examples',
  'slurm/cluster-faults',
  'services/slurm/faults',
  'slurm/connection-faults',
  'services/plugin-contract',
  'terminal/interrupted',
  'slurm/control',
  'cli/submit',
  'execution/slurm/task/pulling',
  'services/slurm/slurm-services',
  'client/worker-death',
  'client/trust-server',
  'execution/slurm/lost-runs',
  'client/control',
  'services/up-and-down',
  'cli/submit-following',
  'slurm/words',
  'execution/slurm/array-control',
  'client/store-lease',
  'cli/store/archive',
  'cli/store/copy',
  'workers/zombies',
  'slurm/without-workflow',
  'other-user/other-user',
  'cli/store-check',
  'rig/rig',
  'slurm/files',
  'execution/slurm/array-monitor',
  'package/package',
  'client/import-python/import-again',
  'slurm/services',
  'execution/slurm/lost-to-memory',
  'activities/submission/submission-files',
  'slurm/no-room',
  'execution/slurm/array-submission',
  'cli/experiment-names',
  'terminal/following',
  'client/dead-engine',
  'execution/slurm/task/on-slurm',
  'cli/identity-edits',
  'cli/failures-and-best',
  'cli/env',
  'services/postgres/npm-programs',
  'slurm/endings',
  'results/compaction/processes',
  'execution/slurm/task/ending',
];

/** Starts the longest files first, so that none of them runs alone at the end. The others follow in vitest's order. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.sort((a, b) => this.#place(a) - this.#place(b));
  }

  #place({ moduleId }: TestSpecification): number {
    const file = relative(this.ctx.config.root, moduleId).replace(/^test\/|\.test\.ts$/g, '');
    const place = LONGEST.indexOf(file);
    return place === -1 ? LONGEST.length : place;
  }
}
