import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take long beside others, longest first. Some that compute are among the first, which mostly
 * wait. An order that is out of date costs time, nothing else.
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
  'results/wide',
  'storage/postgresql/results',
  'slurm/cluster-faults',
  'slurm/control',
  'storage/postgresql/sweep',
  'server/on-postgres',
  'services/slurm/metalab-services',
  'cli/store/copy',
  'execution/slurm/task/pulling',
  'package/package',
  'execution/slurm/array-control',
  'slurm/connection-faults',
  'execution/slurm/lost-runs',
  'workers/newcomers',
  'slurm/words',
  'workers/zombies',
  'rig/rig',
  'execution/slurm/array-monitor',
  'client/worker-death',
  'client/dead-engine',
  'client/control',
  'execution/slurm/lost-to-memory',
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

/** So many short files follow each long one: long ones mostly wait, and short ones compute. */
const SHORT_PER_LONG = 2;

/** Starts the longest files first, so that none of them runs alone at the end. The others follow in vitest's order. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const long = sorted.filter((file) => this.#place(file) !== -1);
    const short = sorted.filter((file) => this.#place(file) === -1);
    long.sort((a, b) => this.#place(a) - this.#place(b));
    return [...long.flatMap((file) => [file, ...short.splice(0, SHORT_PER_LONG)]), ...short];
  }

  #place({ moduleId }: TestSpecification): number {
    return LONGEST.indexOf(relative(this.ctx.config.root, moduleId).replace(/^test\/|\.test\.ts$/g, ''));
  }
}
