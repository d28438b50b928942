import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningSweep } from '../../client/status/running-sweeps.js';
import { InfrastructureError } from '../../definition/errors.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { EXIT } from '../format/report-error.js';
import { formatBatches } from '../progress/batches.js';
import { formatStatus } from '../progress/status.js';

interface WatchFlags extends CommonOptions {
  readonly once?: boolean;
}

const EVERY_MS = 1_000;

export const watchCommand: CommandDefinition<WatchFlags> = {
  name: 'watch',
  summary: 'show running sweeps in every store, until Ctrl-C',
  description: `Asks the Temporal server that this machine uses. Prints once where the output is no terminal.`,
  options: [{ flags: '--once', description: 'print once' }],
  examples: [
    { line: 'watch', does: 'a table of running sweeps that updates itself' },
    { line: "watch --json | jq '.[].pending'", does: 'what runs now, as data' },
  ],
  json: true,
  async run(_args, options, context) {
    const { WatchedServer } = await import('../../client/status/watched-server.js');
    const sweeps = await WatchedServer.connect();
    try {
      if (options.json) context.out(JSON.stringify(await sweeps.read()));
      else if (options.once || !context.interactive) await print(await sweeps.read(), context);
      else {
        await keepPrinting(sweeps, context);
        // Not by closing the connection: a call to an unreachable server is retried by a timer, which would then throw.
        process.exit(EXIT.detached);
      }
      return undefined;
    } finally {
      await sweeps.close();
    }
  },
};

async function keepPrinting(
  sweeps: { read(): Promise<RunningSweep[]> },
  context: CommandContext,
): Promise<void> {
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(process.stdout);
  const { interrupted, color, width } = context;
  const stop = new Promise<undefined>((resolve) => {
    if (interrupted.aborted) resolve(undefined);
    interrupted.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  let lines: string[] = [];
  while (!interrupted.aborted) {
    let trouble: string[] = [];
    try {
      const sweeping = await Promise.race([sweeps.read(), stop]);
      if (!sweeping) break;
      const fresh: string[] = [];
      const add = (text: string) => void fresh.push(text);
      await print(sweeping, { out: add, note: add, color, width });
      lines = fresh;
    } catch (error) {
      // A restarted server answers again: until then the last table stays on the screen.
      if (!(error instanceof InfrastructureError)) throw error;
      trouble = [color.yellow('the Temporal server does not answer: asking again until it does')];
    }
    update([...lines, ...trouble, color.dim('Ctrl-C stops watching; the runs continue')].join('\n'));
    await sleep(EVERY_MS, undefined, { signal: interrupted }).catch(() => {});
  }
  update.done();
}

async function print(
  sweeps: readonly RunningSweep[],
  context: Pick<CommandContext, 'out' | 'note' | 'color' | 'width'>,
): Promise<void> {
  if (sweeps.length === 0) return context.out('nothing runs now');
  const { printTable } = await import('../format/table.js');
  printTable(sweeps.map(row), context);
  for (const sweep of sweeps) {
    const { experiment_id } = sweep;
    const why = formatStatus(sweep);
    if (why) context.note(context.color.yellow(`${experiment_id}: ${why}`));
    const words = formatBatches(sweep.batches);
    if (words) context.note(context.color.dim(`${experiment_id}: ${words}`));
  }
}

function row({
  experiment_id,
  submission: _,
  reason: _1,
  reused: _2,
  batches: _3,
  pause: _4,
  store,
  ...counts
}: RunningSweep) {
  return { experiment: experiment_id, ...counts, store: store.replace(/^file:\/\//, '') };
}
