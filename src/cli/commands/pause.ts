import type { RunHandle } from '../../client/run-handle.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';

interface PauseFlags extends CommonOptions {
  readonly reason?: string;
}

const EXPERIMENT = { name: 'exp', description: 'experiment, by any unambiguous prefix of its id' };

export const pauseCommand: CommandDefinition<PauseFlags> = {
  name: 'pause',
  summary: 'start no further runs; let those in progress finish',
  description: `A chunk of short runs, at most 3 s, ends first. The pause survives restarts of everything; metalab resume continues.`,
  arguments: [EXPERIMENT],
  options: [{ flags: '--reason <text>', description: 'shown by status' }],
  examples: [{ line: 'pause pi_mc', does: 'free the machine for others; finished runs are kept' }],
  store: true,
  async run({ exp }, options, context) {
    const { reason = '' } = options;
    const { experimentId } = await withHandle(exp!, context, (handle) => handle.pause({ reason }));
    context.out(
      `paused ${experimentId}: runs in progress end, none starts; ${context.command(`resume ${experimentId}`)} goes on`,
    );
    return undefined;
  },
};

export const resumeCommand: CommandDefinition = {
  name: 'resume',
  summary: 'continue a paused experiment',
  arguments: [EXPERIMENT],
  examples: [{ line: 'resume pi_mc', does: 'start the remaining runs' }],
  store: true,
  async run({ exp }, _options, context) {
    const { experimentId } = await withHandle(exp!, context, (handle) => handle.resume());
    context.out(`resumed ${experimentId}; ${context.command(`attach ${experimentId}`)} follows it`);
    return undefined;
  },
};

async function withHandle(
  prefix: string,
  context: CommandContext,
  ask: (handle: RunHandle) => Promise<void>,
): Promise<RunHandle> {
  const [{ resolveExperiment }, { connect }] = await Promise.all([
    import('../../client/resolve/resolve-experiment.js'),
    import('../../client/connect.js'),
  ]);
  const experiment = await resolveExperiment(await context.store(), prefix);
  const lab = await connect({ say: (line) => context.note(line) });
  try {
    const handle = await lab.attach(experiment, { store: await context.location() });
    await ask(handle);
    return handle;
  } finally {
    await lab.close();
  }
}
