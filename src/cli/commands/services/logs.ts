import { UsageError } from '../../../definition/errors.js';
import { nearestName } from '../../../definition/nearest.js';
import type { CommandDefinition, CommonOptions } from '../../command.js';
import { wholeNumber } from '../../parse-options.js';

interface LogsFlags extends CommonOptions {
  readonly tail: number;
  readonly follow?: boolean;
}

export const logsCommand: CommandDefinition<LogsFlags> = {
  name: 'logs',
  summary: "show a service's log, even after it has died",
  arguments: [{ name: 'service', description: 'service (default: all, one after another)', optional: true }],
  options: [
    {
      flags: '--tail <n>',
      description: 'the last lines',
      default: 100,
      parse: wholeNumber('--tail', 0, 1_000_000),
    },
    { flags: '-f, --follow', description: 'continue until Ctrl-C' },
  ],
  examples: [
    { line: 'services logs postgres', does: 'the last 100 lines' },
    { line: 'services logs postgres --tail 0 --follow', does: 'what it logs from now on' },
  ],
  env: true,
  async run({ service }, { tail, follow = false }, context) {
    const [{ openServices }, { folderOf }, { placeOfCommand, requireOrder }] = await Promise.all([
      import('../../../services/open-services.js'),
      import('../../../services/place.js'),
      import('../../services/open-place.js'),
    ]);
    const { place } = await placeOfCommand(context);
    const order = requireOrder(place);
    const services = await openServices(folderOf(place), order);
    try {
      const known = (await services.environment.inspect()).map(({ name }) => name);
      if (service !== undefined && !known.includes(service)) throw unknown(service, known);
      if (service === undefined && follow && known.length > 1)
        throw new UsageError({
          code: 'METALAB_OPTION',
          where: '--follow',
          what: 'follows one service',
          expected: `one of ${known.join(', ')}`,
        });
      const options = { tail, follow, signal: context.interrupted };
      for (const name of service === undefined ? known : [service]) {
        if (service === undefined && known.length > 1) context.note(context.color.bold(`${name}:`));
        for await (const block of services.environment.logs(name, options)) await context.write(block);
      }
      return context.interrupted.aborted ? 130 : undefined;
    } finally {
      await services.close();
    }
  },
};

function unknown(service: string, known: readonly string[]): UsageError {
  const near = nearestName(service, known);
  return new UsageError({
    code: 'METALAB_SERVICE',
    what: `there is no service '${service}'`,
    expected: known.length === 0 ? 'none: nothing was started' : `one of ${known.join(', ')}`,
    next: near ? `did you mean ${near}?` : 'metalab services status shows them',
  });
}
