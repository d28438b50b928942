import type { CommandDefinition } from '../command.js';
import { wholeNumber } from '../parse-options.js';
import type { WorkerFlags } from '../run-worker.js';

export const workerCommand: CommandDefinition<WorkerFlags> = {
  name: 'worker',
  summary: 'run a worker in the foreground, until Ctrl-C',
  description: `Polls the Temporal server that TEMPORAL_ADDRESS or a Temporal config profile names, else the local engine's.
It must see the stores by the same path as the submitter. SIGTERM or Ctrl-C: starts no further run, waits for those that
run (at most --grace), and hands the rest back.`,
  options: [
    {
      flags: '--slots <n>',
      description: 'runs at once (default: as many as there are cores)',
      parse: wholeNumber('--slots', 1, 1000),
    },
    { flags: '--grace <duration>', description: 'how long running runs may take to end', default: '30s' },
    {
      flags: '--background',
      description: 'started by metalab itself: adds slots if submissions ask for more',
    },
  ],
  examples: [
    { line: 'worker', does: 'execute submitted runs' },
    { line: 'worker --slots 4 --grace 10m', does: 'four runs at once; ten minutes to end' },
  ],
  async run(_, options, context) {
    const { runWorkerCommand } = await import('../run-worker.js');
    return runWorkerCommand(options, context);
  },
};
