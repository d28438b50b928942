import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take more than a minute and a half beside others, longest first. An order that is out of date costs time,
 * nothing else.
 */
const LONGEST = [
  'soak/soak',
  'server/on-postgres',
  'client/control',
  'slurm/tasks-ended',
  'slurm/cancelled-while-away',
  'slurm/control',
  'slurm/cluster-faults',
  'slurm/connection-faults',
  'workers/newcomers',
  'client/worker-death',
  'package/package',
  'terminal/following',
  'terminal/interrupted',
  'examples/examples',
  'execution/slurm/array-control',
  'slurm/files',
  'cli/failures-and-best',
  'workers/zombies',
  'execution/slurm/array-monitor',
  'slurm/no-room',
  'client/trust-server',
  'cli/submit',
  'cli/submit-following',
  'slurm/words',
  'activities/submission-files',
  'client/store-lease',
  'other-user/other-user',
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
