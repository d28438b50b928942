import type { Declared } from '../../client/declare/declare.js';
import type { Lab } from '../../client/lab.js';
import type { ReplacedDeclaration } from '../../client/submit/replaced-declaration.js';
import { InfrastructureError } from '../../definition/errors.js';
import type { FailureLimit } from '../../definition/failure-limit.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { MAX_FAILURES_OPTION, wholeNumber } from '../parse-options.js';

export interface SubmitFlags extends CommonOptions {
  readonly slots?: number;
  readonly name?: string;
  readonly detach?: boolean;
  readonly dryRun?: boolean;
  readonly keepFailed?: boolean;
  readonly fresh?: boolean;
  readonly artifacts?: boolean;
  readonly takeOver?: boolean;
  readonly replace?: boolean;
  readonly maxFailures?: FailureLimit;
}

export const submitCommand: CommandDefinition<SubmitFlags> = {
  name: 'submit',
  summary: 'run the missing runs of an experiment, and follow them',
  description: `Evaluates FILE once, plans the runs that the store has no record of, and runs them in the background. Ctrl-C
detaches: the runs go on. Submitting again does only what is missing; runs that failed are done again.

Exit codes: 0 all runs are success; 1 some failed or were cancelled; 2 wrong usage or definition; 3 infrastructure not
reachable, paused or waiting; 130 detached by Ctrl-C.`,
  arguments: [{ name: 'file', description: 'experiment file, TypeScript or JavaScript' }],
  options: [
    {
      flags: '--slots <n>',
      description:
        "runs at once (default: METALAB_SLOTS, else the environment's, else as many as the worker has cores); on a cluster: of each task, which gets as many cpus (default: its cpus)",
      parse: wholeNumber('--slots', 1, 1000),
    },
    { flags: '--name <name>', description: 'the experiment, if the file exports several' },
    { flags: '--detach', description: 'return as soon as it is submitted' },
    { flags: '--dry-run', description: 'print what would be executed, and why; change nothing' },
    { flags: '--keep-failed', description: 'reuse failed and cancelled runs too' },
    { flags: '--fresh', description: 'execute every run again' },
    {
      flags: '--artifacts',
      description:
        'fetch artifacts from a cluster with the records, also of reused runs (default: on demand)',
    },
    MAX_FAILURES_OPTION,
    {
      flags: '--replace',
      description: 'replace an experiment of the same name from another project or folder without asking',
    },
    {
      flags: '--take-over',
      description: 'take the store over from another engine; its sweeps there then wait',
    },
  ],
  examples: [
    { line: 'submit experiment.ts', does: 'run what is missing, and follow it' },
    { line: 'submit experiment.ts --dry-run', does: 'say what would be run, and why' },
    { line: 'submit sweep.ts --store /data/lab --slots 8', does: 'eight runs at once, into another store' },
    { line: 'submit sweep.ts --env cluster', does: 'in the environment `cluster` of .metalab.toml' },
    { line: 'submit sweep.ts --json | tail -n 1 | jq', does: 'the outcome as one JSON line' },
  ],
  store: true,
  json: true,
  async run({ file }, options, context) {
    // The Temporal client takes 0.3 s to load; the file is evaluated in its own process at the same time.
    const loading = options.dryRun
      ? undefined
      : import('../../client/connect.js').then((lab) => lab.preload());
    loading?.catch(() => {});
    // Errors in the options come before errors in the file, which may take long to evaluate.
    await context.environment();
    const declared = await evaluate(file!, options, context);
    for (const warning of declared.warnings) context.note(context.color.yellow(`warning: ${warning}`));
    if (options.dryRun) {
      const { printDryRun } = await import('../submit/dry-run.js');
      return printDryRun(declared, options, context);
    }
    const { connect } = await loading!;
    const lab = await connect({ say: (line) => context.note(line) });
    try {
      return await submitAndFollow(lab, declared, options, context);
    } finally {
      await lab.close();
    }
  },
};

async function evaluate(file: string, { name }: SubmitFlags, context: CommandContext): Promise<Declared> {
  const [{ evaluateFile }, { clusterHasher }] = await Promise.all([
    import('../../client/evaluate/evaluate.js'),
    import('../submit/cluster-hasher.js'),
  ]);
  const cluster = clusterHasher(context);
  try {
    return await evaluateFile(file, name, cluster);
  } finally {
    await cluster.close();
  }
}

/** Replaces a workflow that was terminated or that another build can't continue; recorded runs are reused. */
const MAX_SUBMITS = 3;

async function submitAndFollow(
  lab: Lab,
  declared: Declared,
  options: SubmitFlags,
  context: CommandContext,
): Promise<number> {
  const { followToOutcome, printSubmitted } = await import('../submit/follow-to-outcome.js');
  for (let submits = 1; ; submits++) {
    const handle = await lab.submitDeclared(declared, {
      ...options,
      store: await context.location(),
      executor: await context.environment(),
      onReplace: (replaced) => confirmReplace(replaced, options, context),
      // From here on Ctrl-C detaches from a sweep, and must say so.
      onEnqueue: () => void context.interrupted,
    });
    if (handle.joined) {
      const { printJoined } = await import('../submit/print-environment.js');
      printJoined(handle, await context.environment(), context);
      if (options.maxFailures !== undefined)
        context.note(
          context.color.yellow('  --max-failures is ignored: the limit of the joined submission applies'),
        );
    }
    if (options.detach) return printSubmitted(handle, options, context);
    try {
      return await followToOutcome(handle, options, context);
    } catch (error) {
      const interrupted = error instanceof InfrastructureError && error.code === 'METALAB_INTERRUPTED';
      if (!interrupted || submits === MAX_SUBMITS) throw error;
      context.note('no workflow is running it: submitting again, and reusing recorded runs');
    }
  }
}

/** Asks on a terminal. Without one it warns and continues, so that scripts neither hang nor break. */
async function confirmReplace(
  replaced: ReplacedDeclaration,
  options: SubmitFlags,
  { note, color }: CommandContext,
): Promise<boolean> {
  if (options.replace) return true;
  const [{ describeReplaced }, { confirm }] = await Promise.all([
    import('../../client/submit/replaced-declaration.js'),
    import('../terminal/confirm.js'),
  ]);
  note(color.yellow(`warning: ${describeReplaced(replaced)}`));
  return options.json || ((await confirm('replace it?')) ?? true);
}
