import type { Declared } from '../../client/declare/declare.js';
import { type DryRun, planDryRun } from '../../client/submit/dry-run.js';
import { describeReplaced } from '../../client/submit/replaced-declaration.js';
import { formatCount } from '../../definition/format-count.js';
import type { CommandContext, CommonOptions } from '../command.js';

type Plan = DryRun['plan'];
type Changes = DryRun['changes'];

export interface DryRunFlags extends Pick<CommonOptions, 'json'> {
  readonly fresh?: boolean;
  readonly keepFailed?: boolean;
}

export async function printDryRun(
  declared: Declared,
  options: DryRunFlags,
  context: CommandContext,
): Promise<number> {
  const choices = { fresh: options.fresh ?? false, keep_failed: options.keepFailed ?? false };
  const { plan, changes, replaced } = await planDryRun(() => context.store(), declared, choices);
  if (replaced) context.note(context.color.yellow(`warning: ${describeReplaced(replaced)}`));
  if (options.json) context.out(JSON.stringify(asJson(plan, changes)));
  else printWords(plan, changes, context);
  return 0;
}

function asJson(plan: Plan, changes: Changes) {
  const {
    experiment_id: experiment,
    total,
    positions: to_execute,
    new: fresh,
    retried,
    reused,
    stale,
    collapsed,
  } = plan;
  return {
    experiment,
    total,
    to_execute,
    new: fresh,
    retried,
    reused,
    stale: { ...stale, changes },
    collapsed,
  };
}

function printWords(plan: Plan, changes: Changes, { out, color }: CommandContext): void {
  const reused = plan.reused.success + plan.reused.failed + plan.reused.cancelled;
  const stale = plan.stale.code + plan.stale.context;
  out(
    `${color.bold(plan.experiment_id)}: ${formatCount(plan.positions)} of ${formatCount(plan.total)} runs would be executed`,
  );
  const row = (count: number, what: string) => out(`  ${formatCount(count).padStart(9)}  ${what}`);
  row(plan.new, stale > 0 ? `new, of which ${formatCount(stale)} are stale: ${staleWords(plan)}` : 'new');
  if (plan.retried > 0)
    row(plan.retried, 'to do again: failed or cancelled before, or asked for with --fresh');
  row(
    reused,
    `reused${plan.reused.failed + plan.reused.cancelled > 0 ? ', failed and cancelled ones too' : ''}`,
  );
  if (plan.collapsed > 0) row(plan.collapsed, 'trials repeat an earlier one and count as one run with it');
  if (changes.length === 0 || stale === 0) return;
  out('changed since the last submit:');
  for (const { part, name, change } of changes)
    out(`  ${part}: ${name} ${change === 'changed' ? '' : `(${change})`}`.trimEnd());
}

function staleWords({ stale }: Plan): string {
  const parts = [
    ...(stale.code > 0 ? [`${formatCount(stale.code)} were done under other code`] : []),
    ...(stale.context > 0 ? [`${formatCount(stale.context)} with another context`] : []),
  ];
  return parts.join(', ');
}
