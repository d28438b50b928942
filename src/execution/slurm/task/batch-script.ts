import type { SlurmExecutorConfig } from '../../../config/resolved-config.js';
import { DefinitionError, type Problem } from '../../../definition/errors.js';
import { quoteForShell } from '../../../transport/ssh/command-line.js';
import { EXIT, NO_NODE_SHIPPED, SAYS, SAYS_RESTART, SET_UP_FAILED } from './exit-codes.js';

export interface BatchScriptOptions extends Pick<SlurmExecutorConfig, 'modules' | 'conda_env' | 'setup'> {
  /** The array's folder in the spool, absolute on the cluster. */
  readonly array: string;
  /** The folder with `task.mjs` and `runner.mjs`, likewise. */
  readonly runtime: string;
  /** The shipped Node's program, for nodes without a suitable one of their own; null if none was shipped. */
  readonly node: string | null;
}

/**
 * The script that Slurm runs on a node: sets up what the environment names, finds a Node and becomes the task's
 * program. Every failure prints a line that begins with `metalab:`, and exits with one of {@link EXIT}'s codes.
 *
 * Options of `sbatch` are not in it: as arguments of the command they need no quoting.
 *
 * @throws DefinitionError if a name contains control characters, which no shell line should
 */
export function batchScript(options: BatchScriptOptions): string {
  checkNames(options);
  const { modules, conda_env, setup, array, runtime, node } = options;
  return [
    // A login shell, which defines `module` and `conda`.
    '#!/bin/bash -l',
    // When the task began, on a clock that nobody adjusts.
    'read -r METALAB_TASK_UPTIME _ < /proc/uptime && export METALAB_TASK_UPTIME',
    ...LANGUAGE_LINES,
    `metalab_says() { printf '${SAYS}%s\\n' "$*" >&2; }`,
    // For whatever it dies of from here on, the output from before the requeue is not the reason.
    `[ "\${SLURM_RESTART_COUNT:-0}" = 0 ] || echo ${quoteForShell(SAYS_RESTART)}"$SLURM_RESTART_COUNT"`,
    ...setUpLines({ modules, conda_env, setup }),
    ...chooseNode(node),
    `exec "$metalab_node" ${quoteForShell(`${runtime}/task.mjs`)} ${quoteForShell(array)}`,
    '',
  ].join('\n');
}

/**
 * Slurm passes on the submitter's environment. metalab sets English there to parse the output, but what the job runs uses
 * the user's language.
 */
export const LANGUAGE_LINES: readonly string[] = [
  `[ "\${LC_ALL-}" != C ] || if [ -n "\${METALAB_LC_ALL-}" ]; then LC_ALL=$METALAB_LC_ALL; else unset LC_ALL; fi`,
  'unset METALAB_LC_ALL',
];

/** Shell lines of a script of bash that defines `metalab_says`: what the environment names. */
export function setUpLines({
  modules,
  conda_env,
  setup,
}: Pick<BatchScriptOptions, 'modules' | 'conda_env' | 'setup'>): string[] {
  return [...setUp(modules, conda_env), ...userLines(setup)];
}

/**
 * Commands inside a module or conda may fail without harm: only their final status counts, so no `set -e` around them.
 */
function setUp(modules: readonly string[], conda: string | undefined): string[] {
  const steps = modules.map((module) => ['module', 'load', module]);
  const lines = [
    ...steps.map((words) => words.map(quoteForShell).join(' ')),
    ...(conda === undefined
      ? []
      : [`{ eval "$(conda shell.bash hook)" && conda activate ${quoteForShell(conda)}; }`]),
  ];
  if (lines.length === 0) return [];
  return [
    `metalab_failed() { metalab_says "${SET_UP_FAILED}$1 (exit code $2)"; exit ${EXIT.setup}; }`,
    ...lines.map((line, at) => {
      const what = steps[at]?.join(' ') ?? `conda activate ${conda}`;
      return `${line} || metalab_failed ${quoteForShell(what)} $?`;
    }),
  ];
}

/** The user's own lines, as one script: the first command that fails ends it, as with `set -e`. */
function userLines(setup: readonly string[]): string[] {
  if (setup.length === 0) return [];
  const failed = `metalab_code=$?; metalab_says "${SET_UP_FAILED}\${metalab_command:-exit} (exit code $metalab_code)"; exit ${EXIT.setup}`;
  return [
    "trap 'metalab_command=$BASH_COMMAND' ERR",
    `trap ${quoteForShell(failed)} EXIT`,
    'set -e',
    ...setup,
    'set +e',
    'trap - ERR EXIT',
  ];
}

/** Asking Node for its version takes 10 ms. metalab's `engines`: ^20.19 or ≥ 22.12. */
function chooseNode(shipped: string | null): string[] {
  const next =
    'load a module that has Node 20.19 or later, or 22.12 or later, in the modules or setup of the environment';
  return [
    'metalab_suits() {',
    '  [[ $("$1" --version 2>/dev/null) =~ ^v([0-9]+)\\.([0-9]+)\\. ]] || return 1',
    `  local major=\${BASH_REMATCH[1]} minor=\${BASH_REMATCH[2]}`,
    '  ((major == 20 && minor >= 19 || major == 22 && minor >= 12 || major > 22))',
    '}',
    'metalab_node=$(type -P node)',
    'if [ -z "$metalab_node" ] || ! metalab_suits "$metalab_node"; then',
    ...(shipped === null
      ? [`  metalab_says ${quoteForShell(`${NO_NODE_SHIPPED}: ${next}`)}`, `  exit ${EXIT.noNode}`]
      : [
          `  metalab_node=${quoteForShell(shipped)}`,
          '  if ! metalab_answer=$("$metalab_node" --version 2>&1); then',
          '    case $metalab_answer in',
          "      *GLIBC*' not found'* | *'libc.musl'* | *'ld-linux'*)",
          `        metalab_says "the C library of $(hostname) is too old for the Node that metalab ships: \${metalab_answer%%$'\\n'*}; ${next}"`,
          `        exit ${EXIT.oldLibrary} ;;`,
          '    esac',
          `    metalab_says "the Node that metalab ships does not run on $(hostname): \${metalab_answer:-it can not be started}; ${next}"`,
          `    exit ${EXIT.noNode}`,
          '  fi',
          '  metalab_suits "$metalab_node" || {',
          '    metalab_says "the Node that metalab ships has the wrong version: $metalab_answer"',
          `    exit ${EXIT.noNode}`,
          '  }',
        ]),
    'fi',
  ];
}

function checkNames({ modules, conda_env, array, runtime, node }: BatchScriptOptions): void {
  const named: [string, string | null | undefined][] = [
    ...modules.map((module, at): [string, string] => [`executor.modules[${at}]`, module]),
    ['executor.conda_env', conda_env],
    ['the folder of the array', array],
    ['the folder of the runtime', runtime],
    ['the program of Node', node],
  ];
  const problems: Problem[] = named.flatMap(([where, value]) =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
    value && /[\u0000-\u001f\u007f]/.test(value)
      ? [{ where, what: `${JSON.stringify(value)} holds control characters`, expected: 'a name on one line' }]
      : [],
  );
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_SLURM_SCRIPT');
}
