import type { CommandDefinition } from '../command.js';
import { EXIT } from '../format/report-error.js';

export const doctorCommand: CommandDefinition = {
  name: 'doctor',
  summary: 'show what runs, what is wrong, and how to fix it',
  description: 'Starts nothing. Exit code 3 if something would prevent a submit.',
  examples: [
    { line: 'doctor', does: 'check everything' },
    { line: 'doctor --store /data/lab', does: 'and that store' },
  ],
  store: true,
  json: true,
  async run(_, options, context) {
    const [{ runDoctor }, { examineServices }, { isDiscover }, { schemeOf, pathOf }, { printCheck }] =
      await Promise.all([
        import('../../engine/doctor/index.js'),
        import('../../client/services/examine-services.js'),
        import('../../client/open-location.js'),
        import('../../storage/location.js'),
        import('../format/print-check.js'),
      ]);
    const { storeLocation, out } = context;
    const isFolder = !isDiscover(storeLocation) && schemeOf(storeLocation) === 'file';
    const checks = [
      ...(await runDoctor(isFolder ? { store: pathOf(storeLocation) } : {})),
      ...examineServices(),
    ];
    if (options.json) out(JSON.stringify(checks));
    else for (const check of checks) printCheck(check, context);
    return checks.every(({ ok }) => ok !== false) ? undefined : EXIT.infrastructure;
  },
};
