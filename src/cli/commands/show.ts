import type { CommandDefinition } from '../command.js';

export const showCommand: CommandDefinition = {
  name: 'show',
  summary: 'show one run in full',
  description: `Its identity and what it is made of, params, metrics, times, submission and git commit, provenance, error, tags, warnings, notes, series and
artifacts: of its final record. A text of more than 10,000 characters is cut; --json has all of it.`,
  arguments: [
    { name: 'run', description: 'run, by any unambiguous prefix of its run_id, 4 characters at least' },
  ],
  examples: [
    { line: 'show 3f9a', does: 'everything about the run whose id begins with 3f9a' },
    { line: 'show 3f9a --json | jq .params', does: 'as data' },
  ],
  store: true,
  json: true,
  async run({ run = '' }, options, context) {
    const [{ resolveStoredRun }, { readRunDetails }] = await Promise.all([
      import('../../client/resolve/resolve-run.js'),
      import('../../results/run-details.js'),
    ]);
    const store = await context.resultsStore();
    const details = await readRunDetails(store, await resolveStoredRun(store, run));
    if (options.json) await (await import('../format/write-json.js')).writeJson(details, context);
    else (await import('../format/print-run.js')).printRun(details, context);
    return undefined;
  },
};
