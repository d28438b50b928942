import type { DerivePlan } from '../../client/derive/derive-file.js';
import type { Derived } from '../../results/derive/derive.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { wholeNumber } from '../parse-options.js';

interface DeriveFlags extends CommonOptions {
  readonly name?: string;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly slots?: number;
}

export const deriveCommand: CommandDefinition<DeriveFlags> = {
  name: 'derive',
  summary: 'compute further metrics of runs that are recorded',
  description: `The file exports derivations: export const gap = derive((run) => ({ gap: run.metrics.a - run.metrics.b })). Their metrics
are columns like any other, derived.gap. Computed are those of successful runs that have none of the derivation's present
code, in several processes; a derivation that throws is tried again by the next \`derive\`. Ctrl-C keeps what is computed.

Exit codes: 0 all is computed; 1 derivations failed for some runs; 130 it was interrupted.`,
  arguments: [
    { name: 'file', description: 'file that exports derivations, e.g. an experiment file' },
    {
      name: 'exp',
      description:
        'experiment, by any unambiguous prefix of its id (default: the one that the file declares)',
      optional: true,
    },
  ],
  options: [
    { flags: '--dry-run', description: 'only say for how many runs, and why' },
    { flags: '--all', description: 'runs of older code, contexts, params and seeds too' },
    { flags: '--name <name>', description: 'which experiment of the file, if it declares several' },
    {
      flags: '--slots <n>',
      description: 'how many processes compute (default: the number of processors)',
      parse: wholeNumber('--slots', 1, 1024),
    },
  ],
  examples: [
    { line: 'derive analysis.ts pi_mc', does: 'compute the derivations of a file for an experiment' },
    { line: 'derive experiment.ts --dry-run', does: 'how many runs lack derived metrics' },
  ],
  store: true,
  json: true,
  async run({ file = '', exp }, { name, all, slots, ...options }, context) {
    const { planDerive } = await import('../../client/derive/derive-file.js');
    const plan = await planDerive(await context.store(), file, { experiment: exp, name, all });
    try {
      if (options.dryRun) {
        if (options.json) context.out(JSON.stringify(planFields(plan)));
        else printPlan(plan, context);
        return undefined;
      }
      const derived = await plan.compute({
        slots,
        signal: context.interrupted,
        onProgress: (done) => {
          if (context.live.isTerminal) void context.live.show(`deriving: ${done} of ${plan.total} runs`);
        },
      });
      context.live.clear();
      const { done, failed, failures, compacted_ms } = derived;
      if (options.json)
        context.out(JSON.stringify({ ...planFields(plan), done, failed, failures, compacted_ms }));
      else printDerived(plan, derived, context);
      if (context.interrupted.aborted) return 130;
      return derived.failures.length > 0 ? 1 : undefined;
    } finally {
      await plan.close();
    }
  },
};

const planFields = ({ experiment_id, runs, total, derivations }: DerivePlan) => ({
  experiment_id,
  runs,
  total,
  derivations,
});

const WHY = {
  new: 'not computed before',
  changed: 'its code has changed',
  same: 'not computed, or failed, so far',
};

function printPlan({ experiment_id, runs, total, derivations }: DerivePlan, { out }: CommandContext): void {
  out(`${experiment_id}: ${total} of ${runs} successful runs lack derived metrics`);
  for (const { name, missing, code } of derivations)
    out(`  ${name}: ${missing === 0 ? 'nothing to compute' : `${missing} runs: ${WHY[code]}`}`);
}

function printDerived(plan: DerivePlan, { done, failed, failures }: Derived, context: CommandContext): void {
  const { out, note, color, interrupted, command } = context;
  const { experiment_id, total, runs, derivations } = plan;
  const names = derivations.map(({ name }) => name).join(', ');
  for (const failure of failures)
    note(
      `${color.red('failed')} ${failure.derivation}: ${failure.runs} ${failure.runs === 1 ? 'run' : 'runs'}, such as ${failure.run_id.slice(0, 8)}: ${failure.message}`,
    );
  if (interrupted.aborted)
    note(`interrupted: ${done} of ${total} runs are computed; the same command goes on`);
  else if (total === 0) out(`${experiment_id}: all ${runs} successful runs have ${names}`);
  else
    out(
      `${experiment_id}: derived ${names} for ${done - failed} runs${failed > 0 ? `, not for ${failed}` : ''}${done > failed ? `; ${command(`results ${experiment_id}`)} shows them` : ''}`,
    );
}
