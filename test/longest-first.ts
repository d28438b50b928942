import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take long beside others, longest first. An order that is out of date costs time,
 * nothing else.
 */
const LONGEST = [
  'results/long-records',
  'services/faults',
  'soak/soak',
  'slurm/cancelled-while-away',
  'services/slurm/faults',
  'services/postgres-faults',
  'services/slurm/environment-contract',
  'slurm/tasks-ended',
  'slurm/cluster-faults',
  'slurm/control',
  'server/on-postgres',
  'services/slurm/metalab-services',
  'execution/slurm/task/pulling',
  'execution/slurm/array-control',
  'slurm/connection-faults',
  'execution/slurm/lost-runs',
  'workers/newcomers',
  'slurm/words',
  'results/wide',
  'storage/postgresql/results',
  'workers/zombies',
  'cli/store/copy',
  'rig/rig',
  'execution/slurm/array-monitor',
  'client/worker-death',
  'client/dead-engine',
  'storage/postgresql/sweep',
  'client/control',
  'execution/slurm/lost-to-memory',
  'package/package',
  'terminal/interrupted',
  'execution/slurm/array-submission',
  'services/local/environment-contract',
  'terminal/following',
  'execution/slurm/task/ending',
  'slurm/services-commands',
  'examples/examples',
  'slurm/endings',
  'slurm/services',
  'services/postgres/postgres',
  'slurm/without-workflow',
  'other-user/other-user',
  'client/trust-server',
  'results/compaction/processes',
  'slurm/no-room',
  'slurm/limits',
  'client/stops-and-starts',
  'slurm/files',
  'execution/slurm/without-accounting',
  'workers/stopped-while-idle',
  'workers/orphans',
  'services/up-and-down',
  'client/loaders',
  'examples/cluster',
  'terminal/submit',
  'execution/slurm/task/on-slurm',
  'client/many-clients',
  'cli/derive',
  'services/session',
  'results/compaction/compact',
  'cli/submit-following',
  'cli/failures-and-best',
  'cli/bad-input-environment',
  'client/store-lease',
  'execution/local/faults',
  'storage/full-disk',
  'storage/postgresql/moving',
  'storage/file/lease',
  'services/plugin-contract',
  'client/lab',
  'services/postgres/npm-programs',
  'cli/submit',
  'cli/store-check',
  'cli/identity-edits',
  'engine/server',
  'client/import-python/import-again',
  'services/slurm/slurm-services',
  'results/compaction/killed',
  'execution/local/durability',
  'workflows/replay',
  'execution/local/run-isolation',
  'storage/store-contract',
  'cli/experiment-names',
  'workers/second-worker',
  'storage/postgresql/contract',
  'client/status/feed',
  'slurm/same-runs',
  'slurm/max-failures',
  'transport/shell/contract',
  'transport/ssh/contract',
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
