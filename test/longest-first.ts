import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take more than a minute beside others, longest first. An order that is out of date costs time,
 * nothing else.
 */
const LONGEST = [
  'client/control',
  'slurm/control',
  'soak/soak',
  'server/on-postgres',
  'slurm/tasks-ended',
  'slurm/connection-faults',
  'package/package',
  'slurm/cluster-faults',
  'client/worker-death',
  'workers/newcomers',
  'cli/store-check',
  'terminal/interrupted',
  'slurm/files',
  'slurm/cancelled-while-away',
  'execution/slurm/array-control',
  'workers/zombies',
  'execution/slurm/lost-runs',
  'cli/submit',
  'examples/examples',
  'execution/slurm/array-monitor',
  'client/store-lease',
  'other-user/other-user',
  'cli/submit-following',
  'slurm/without-workflow',
  'client/trust-server',
  'activities/submission/submission-files',
  'slurm/no-room',
  'slurm/endings',
  'execution/slurm/array-submission',
  'terminal/following',
  'cli/bad-input-definition',
  'cli/failures-and-best',
  'execution/slurm/lost-to-memory',
  'cli/env',
  'results/compaction/processes',
  'cli/identity-edits',
  'client/dead-engine',
  'slurm/words',
  'slurm/limits',
  'execution/slurm/task/ending',
  'client/stops-and-starts',
  'client/loaders',
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
