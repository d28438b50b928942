import type { RunRecord } from '../../definition/record.js';
import type { LoggedRun } from '../../storage/file/formats/logs.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly all?: boolean;
}

export const logsCommand: CommandDefinition<LogsOptions> = {
  name: 'logs',
  summary: 'show what a run logged and printed',
  description:
    "Shows the attempt that the run's record is of; --all shows every attempt, each under a heading line. " +
    'With --follow also a run that has no record yet: RUN is then its whole run_id, or a prefix that only it has.',
  arguments: [{ name: 'run', description: 'run, by any unambiguous prefix of its run_id' }],
  options: [
    {
      flags: '-f, --follow',
      description: 'continue until the run has ended, or Ctrl-C; shows every attempt',
    },
    { flags: '--all', description: 'every attempt of every execution, not only the last' },
  ],
  examples: [
    { line: 'logs 3f9a', does: 'the lines with their times and levels' },
    { line: 'logs 3f9a --follow', does: 'and further lines as they come' },
    { line: 'logs 3f9a --json', does: 'as an array of objects' },
  ],
  store: true,
  json: true,
  async run({ run = '' }, options, context) {
    const store = await context.store({ needs: options.follow ? 'log paths' : 'log listing' });
    const { LinePrinter } = await import('../format/print-log-lines.js');
    if (options.follow) {
      const { followLogs } = await import('../../results/follow-logs.js');
      const { resolveLogs } = await import('../../client/resolve/resolve-run.js');
      const target = await resolveLogs(store, run);
      const printer = new LinePrinter(context);
      for await (const line of followLogs(target, context.interrupted))
        context.out(options.json ? JSON.stringify(line) : printer.format(line));
      return context.interrupted.aborted ? 130 : undefined;
    }
    const { resolveRun } = await import('../../client/resolve/resolve-run.js');
    const record = await resolveRun(store, run);
    const wanted = options.all ? { run_id: record.run_id } : attemptOf(record);
    const lines = store.logs(record.experiment_id, wanted);
    if (options.json) {
      const { writeJsonArray } = await import('../format/write-json.js');
      await writeJsonArray(lines, context);
      return undefined;
    }
    if (!options.all) noteEarlier(record, context);
    const any = await new LinePrinter(context, { headed: options.all ?? false }).print(lines);
    if (!any) context.note('the run logged nothing');
    return undefined;
  },
};

/** For a success, only lines of the slot that recorded it: another slot may have started the same attempt before. */
function attemptOf({ run_id, generation, attempt, status, provenance }: RunRecord): LoggedRun {
  const { slot } = provenance;
  const isOwn = status === 'success' && typeof slot === 'string';
  return { run_id, generation, attempt, ...(isOwn ? { slot } : {}) };
}

function noteEarlier({ attempt, generation }: RunRecord, { note }: CommandContext): void {
  if (attempt > 1) note(`attempt ${attempt} of the run; --all shows the earlier ones too`);
  else if (generation > 0) note('the run was executed before; --all shows those logs too');
}
