import type { LogLine } from '../../definition/record.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
}

export const logsCommand: CommandDefinition<LogsOptions> = {
  name: 'logs',
  summary: "a run's log: what it logged and printed",
  description:
    'With --follow also of a run that has no record yet: RUN is then its whole run_id, or a prefix that only it has.',
  arguments: [{ name: 'run', description: 'run, by any unambiguous prefix of its run_id' }],
  options: [{ flags: '-f, --follow', description: 'go on until the run has ended, or Ctrl-C' }],
  examples: [
    { line: 'logs 3f9a', does: 'the lines with their times and levels' },
    { line: 'logs 3f9a --follow', does: 'and those to come' },
    { line: 'logs 3f9a --json', does: 'as an array of objects' },
  ],
  store: true,
  json: true,
  async run({ run = '' }, options, context) {
    const store = await context.store();
    const print =
      options.json && options.follow
        ? (line: LogLine) => context.out(JSON.stringify(line))
        : printer(context);
    if (options.follow) {
      const { followLogs } = await import('../../results/follow-logs.js');
      const { resolveLogs } = await import('../resolve-logs.js');
      const target = await resolveLogs(store, run);
      for await (const line of followLogs(target, context.interrupted)) print(line);
      return context.interrupted.aborted ? 130 : undefined;
    }
    const [{ resolveRun }, { hasLogListing }] = await Promise.all([
      import('../resolve-run.js'),
      import('../../storage/store.js'),
    ]);
    const record = await resolveRun(store, run);
    const lines: LogLine[] = [];
    if (hasLogListing(store)) {
      for await (const line of store.logs(record.experiment_id, record)) lines.push(line);
    }
    if (options.json) context.out(JSON.stringify(lines));
    else if (lines.length === 0) context.note('the run logged nothing');
    else lines.forEach(print);
    return undefined;
  },
};

function printer({ out, color }: CommandContext): (line: LogLine) => void {
  const paint = {
    debug: color.dim,
    warn: color.yellow,
    error: color.red,
    info: color.cyan,
    stdout: color.dim,
    stderr: color.yellow,
  };
  return ({ at, level, message }) => out(`${color.dim(at)} ${paint[level](level.padEnd(6))} ${message}`);
}
