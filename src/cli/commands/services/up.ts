import { UsageError } from '../../../definition/errors.js';
import type { CommandDefinition, CommonOptions } from '../../command.js';
import { EXIT } from '../../format/report-error.js';

interface UpFlags extends CommonOptions {
  readonly tunnel?: boolean;
}

export const upCommand: CommandDefinition<UpFlags> = {
  name: 'up',
  summary: 'start the services of an environment, and keep them running',
  description: `Starts those of [services] and [environments.NAME.services] in .metalab.toml that are not alive, in the order in
which they need each other. They go on when this command ends, and are started again when they die.
If one can't be started, those that were started with it are stopped again.`,
  options: [
    {
      flags: '--tunnel',
      description:
        "reach a cluster's services from this machine afterwards, until Ctrl-C, as `metalab tunnel` does",
    },
  ],
  examples: [
    { line: 'services up', does: 'those of the environment that a submit would use' },
    { line: 'services up --env cluster', does: 'those of another environment' },
    { line: 'services up --json | jq .store', does: 'where their store is' },
  ],
  env: true,
  json: true,
  async run(_, options, context) {
    if (options.tunnel && options.json) throw tunnelAsJson();
    const [{ makeOrder }, { ServicesClient }, { bundleOf }, { placeOfCommand, readTail }, print] =
      await Promise.all([
        import('../../../services/make-order.js'),
        import('../../../client/services/services-client.js'),
        import('../../../services/bundle.js'),
        import('../../services/open-place.js'),
        import('../../services/print-services.js'),
      ]);
    const { config, place } = await placeOfCommand(context);
    const order = await makeOrder(config, process.env);
    const client = await ServicesClient.open(place, { say: (line) => context.note(line) });
    try {
      const { status, problem } = await client.up(order);
      if (problem) {
        await print.printProblem(problem, (service) => readTail(place, service), context);
        return EXIT.failure;
      }
      const about = { project_folder: order.project.folder, environment_type: order.environment.type };
      const bundle = bundleOf(place, about, status.handles);
      if (options.json) context.out(JSON.stringify(print.servicesJson(bundle)));
      else print.printServices(bundle, context);
      if (!print.isHealthy(status.handles)) return EXIT.failure;
      if (bundle.tunnels.length === 0 || options.json) return undefined;
      const { printTunnels } = await import('../../services/print-tunnels.js');
      if (!options.tunnel) return await printTunnels(order.environment, bundle.tunnels, context);
      const { holdTunnels } = await import('../../services/hold-tunnels.js');
      const { environment } = order;
      return await holdTunnels({ place, environment, targets: bundle.tunnels, port: undefined }, context);
    } finally {
      await client.close();
    }
  },
};

const tunnelAsJson = () =>
  new UsageError({
    code: 'METALAB_OPTION',
    where: '--tunnel',
    what: 'runs until Ctrl-C, and --json prints once',
    expected: 'one of them',
    next: 'run `metalab tunnel` after `metalab services up --json`',
  });
