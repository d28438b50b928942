import type { CommandDefinition } from '../../command.js';
import { EXIT } from '../../format/report-error.js';

export const restartCommand: CommandDefinition = {
  name: 'restart',
  summary: 'restart a service, or all services of an environment',
  description: `Ends it, if it has to by a kill, and starts it again with its data. What uses it meanwhile is cut off; sweeps go on,
and the index catches up. On a cluster all services of an environment are in one job, so they are restarted together,
by \`services restart\` without a name; the new job may have to wait in the queue.`,
  arguments: [{ name: 'service', description: 'service (default: all)', optional: true }],
  examples: [
    { line: 'services restart postgres', does: 'with the same data, at the same address' },
    { line: 'services restart --env cluster', does: 'all services of a cluster, in another job' },
  ],
  env: true,
  json: true,
  async run({ service }, options, context) {
    const [{ ServicesClient }, { bundleOf }, { placeOfCommand, readTail, requireOrder }, print] =
      await Promise.all([
        import('../../../client/services/services-client.js'),
        import('../../../services/bundle.js'),
        import('../../services/open-place.js'),
        import('../../services/print-services.js'),
      ]);
    const { place } = await placeOfCommand(context);
    const { project, environment } = requireOrder(place);
    const client = await ServicesClient.open(place, { say: (line) => context.note(line) });
    try {
      const { status, problem } = await client.restart(service ?? null);
      if (problem) {
        await print.printProblem(problem, (name) => readTail(place, name), context);
        return EXIT.failure;
      }
      const about = { project_folder: project.folder, environment_type: environment.type };
      const bundle = bundleOf(place, about, status.handles);
      if (options.json) context.out(JSON.stringify(print.servicesJson(bundle)));
      else print.printServices(bundle, context);
      return print.isHealthy(status.handles) ? undefined : EXIT.failure;
    } finally {
      await client.close();
    }
  },
};
