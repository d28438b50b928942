import type { ServicesReport } from '../../../client/services/read-services.js';
import { UsageError } from '../../../definition/errors.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../../command.js';
import { EXIT } from '../../format/report-error.js';

interface StatusFlags extends CommonOptions {
  readonly storeLocator?: boolean;
}

export const statusCommand: CommandDefinition<StatusFlags> = {
  name: 'status',
  summary: 'show the services of an environment, and whether they answer',
  description: `States: running; starting; unreachable (alive, but it does not answer); unknown (where it runs does not answer:
it is not taken for dead); stopped. Exit code 1 unless all are running.`,
  options: [
    { flags: '--store-locator', description: 'print only the location of the store, without password' },
  ],
  examples: [
    { line: 'services status', does: 'what runs, where, and since when' },
    { line: 'services status --json | jq ".services[].status"', does: 'for scripts' },
    { line: 'services status --store-locator', does: 'what psql takes' },
  ],
  env: true,
  json: true,
  async run(_, options, context) {
    const [{ readServices }, { placeOfCommand }] = await Promise.all([
      import('../../../client/services/read-services.js'),
      import('../../services/open-place.js'),
    ]);
    const { place } = await placeOfCommand(context);
    const report = await readServices(place);
    if (!report) {
      if (options.storeLocator) throw noStore(place.environment);
      if (options.json) context.out(JSON.stringify({ ...place, store: null, tunnels: [], services: [] }));
      else context.out('no services were started here; `metalab services up` does');
      return EXIT.failure;
    }
    const { servicesJson, isHealthy } = await import('../../services/print-services.js');
    if (options.storeLocator) {
      if (report.store === null) throw noStore(place.environment);
      const { clientUri } = await import('../../../storage/postgresql/settings.js');
      context.out(clientUri(report.store));
    } else if (options.json)
      context.out(
        JSON.stringify({
          ...servicesJson(report),
          problem: report.problem?.message ?? null,
          unattended: report.unattended,
        }),
      );
    else await print(report, context);
    return isHealthy(report.handles) ? undefined : EXIT.failure;
  },
};

async function print(report: ServicesReport, context: CommandContext): Promise<void> {
  const { printServices } = await import('../../services/print-services.js');
  const { note, color } = context;
  if (report.handles.length === 0) return context.out('nothing runs');
  printServices(report, context);
  if (report.problem)
    note(color.yellow(`${report.problem.message}: metalab services logs ${report.problem.service}`));
  if (report.unattended)
    note(
      color.yellow(
        `they would not be started again if they died (${report.unattended}): metalab services up looks after them`,
      ),
    );
}

const noStore = (environment: string) =>
  new UsageError({
    code: 'METALAB_STORE_DISCOVER',
    where: `environment ${environment}`,
    what: 'no service that has a store runs',
    next: 'metalab services up',
  });
