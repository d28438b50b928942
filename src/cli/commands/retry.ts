import type { RetryOptions } from '../../client/run-handle.js';
import type { planRetry } from '../../client/submit/retry.js';
import type { FailureLimit } from '../../definition/failure-limit.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { MAX_FAILURES_OPTION } from '../parse-options.js';

interface RetryFlags extends CommonOptions {
  readonly failed?: boolean;
  readonly run?: readonly string[];
  readonly maxFailures?: FailureLimit;
  readonly detach?: boolean;
}

export const retryCommand: CommandDefinition<RetryFlags> = {
  name: 'retry',
  summary: 're-run what did not succeed, without the experiment file',
  description: `Without an option: all runs that did not succeed, as submitting the same file again does. The code is that of the last
submission, whatever the file says now. So is the environment, as it was configured then: --env NAME takes another, or the
same as it is configured now. Exit codes as for submit.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  options: [
    { flags: '--failed', description: 'only the runs that failed' },
    { flags: '--run <prefix>', description: 'this run, whatever its status is', repeatable: true },
    MAX_FAILURES_OPTION,
    { flags: '--detach', description: 'return as soon as it is submitted' },
  ],
  examples: [
    { line: 'retry pi_mc --failed', does: 're-run failed runs, once the cause is fixed' },
    {
      line: 'retry pi_mc --env cluster',
      does: 'there, with the time and memory that .metalab.toml says now',
    },
    { line: 'retry pi_mc --run 3f2a --run 90bc', does: 're-run these two, even if they succeeded' },
  ],
  store: true,
  json: true,
  async run({ exp }, options, context) {
    const [
      { resolveExperiment },
      { connect },
      { followToOutcome, printSubmitted },
      { printJoined, printKept },
    ] = await Promise.all([
      import('../../client/resolve/resolve-experiment.js'),
      import('../../client/connect.js'),
      import('../submit/follow-to-outcome.js'),
      import('../submit/print-environment.js'),
    ]);
    const chosen = await context.environment();
    const store = await context.store();
    const experiment = await resolveExperiment(store, exp!);
    const { failed = false, run: runs = [] } = options;
    if (await nothingToRetry(store, experiment, { failed, runs }, options, context)) return undefined;
    const lab = await connect({ say: (line) => context.note(line) });
    try {
      const handle = await lab.retry(experiment, {
        store: await context.location(),
        ...(context.namedEnvironment !== undefined && { executor: chosen }),
        failed,
        runs,
        onEnqueue: () => void context.interrupted,
        ...(options.maxFailures !== undefined && { maxFailures: options.maxFailures }),
      });
      if (context.namedEnvironment === undefined) printKept(handle, chosen, context);
      else if (handle.joined) printJoined(handle, chosen, context);
      if (options.detach) return printSubmitted(handle, options, context);
      return await followToOutcome(handle, options, context);
    } finally {
      await lab.close();
    }
  },
};

/** Reports that a retry would execute no runs; then nothing is submitted. @returns whether it would execute none */
async function nothingToRetry(
  store: FileStore,
  experiment: string,
  retry: RetryOptions,
  { json }: CommonOptions,
  { out }: CommandContext,
): Promise<boolean> {
  const { planRetry: plan } = await import('../../client/submit/retry.js');
  const { total, positions, reused } = await plan(store, experiment, retry);
  if (positions > 0) return false;
  const { success, failed, cancelled } = reused;
  if (json)
    out(JSON.stringify({ experiment, total, executed: 0, success, failed, cancelled, store: store.uri }));
  else out(`${experiment}: nothing to retry: ${why(total, reused, retry)}`);
  return true;
}

function why(
  total: number,
  { success, failed, cancelled }: Counts,
  { failed: onlyFailed }: RetryOptions,
): string {
  if (success === total) return `all ${total} runs are success`;
  const others = [
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(total - success - failed - cancelled > 0 ? [`${total - success - failed - cancelled} not done`] : []),
  ];
  const rest = others.length > 0 ? `; ${others.join(', ')}, which retry without --failed does` : '';
  return onlyFailed ? `no run of ${total} failed${rest}` : `no run of ${total} is left to execute`;
}

type Counts = Awaited<ReturnType<typeof planRetry>>['reused'];
