import type { CommandDefinition } from '../command.js';
import { EXIT } from '../report-error.js';

export const doctorCommand: CommandDefinition = {
  name: 'doctor',
  summary: 'what is running, what is wrong, and how to mend it',
  description: 'Starts nothing. Exit code 3 where something is wrong that hinders a submit.',
  examples: [
    { line: 'doctor', does: 'look at everything' },
    { line: 'doctor --store /data/lab', does: 'and at that store' },
  ],
  store: true,
  json: true,
  async run(_, options, context) {
    const [{ runDoctor }, { schemeOf, pathOf }] = await Promise.all([
      import('../../engine/doctor/index.js'),
      import('../../storage/location.js'),
    ]);
    const { storeLocation, color, out } = context;
    const checks = await runDoctor(
      schemeOf(storeLocation) === 'file' ? { store: pathOf(storeLocation) } : {},
    );
    if (options.json) out(JSON.stringify(checks));
    else {
      for (const { name, ok, detail, next } of checks) {
        const mark =
          ok === true ? color.green('ok  ') : ok === 'warn' ? color.yellow('warn') : color.red('bad ');
        out(`${mark} ${color.bold(name)}: ${detail}`);
        if (next) out(`     next: ${next}`);
      }
    }
    return checks.every(({ ok }) => ok !== false) ? undefined : EXIT.infrastructure;
  },
};
