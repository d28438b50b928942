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
    const [{ runDoctor }, { schemeOf, pathOf }, { printCheck }] = await Promise.all([
      import('../../engine/doctor/index.js'),
      import('../../storage/location.js'),
      import('../format/print-check.js'),
    ]);
    const { storeLocation, out } = context;
    const checks = await runDoctor(
      schemeOf(storeLocation) === 'file' && storeLocation !== 'discover'
        ? { store: pathOf(storeLocation) }
        : {},
    );
    if (options.json) out(JSON.stringify(checks));
    else for (const check of checks) printCheck(check, context);
    return checks.every(({ ok }) => ok !== false) ? undefined : EXIT.infrastructure;
  },
};
