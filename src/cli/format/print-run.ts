import { formatBytes } from '../../definition/format-bytes.js';
import { formatCount } from '../../definition/format-count.js';
import { formatDuration } from '../../definition/format-duration.js';
import type { JsonObject, JsonValue } from '../../definition/json.js';
import { oneLine, printable } from '../../definition/printable.js';
import type { RunDetails } from '../../results/run-details.js';
import type { CommandContext } from '../command.js';
import { formatNumber } from './format-number.js';

/** Prints everything about a run, section by section; empty sections are left out. */
export function printRun(run: RunDetails, { out, color }: CommandContext): void {
  const section = (title: string, texts: readonly (readonly [string, string])[]) => {
    if (texts.length === 0) return;
    const entries = texts.map(([name, text]) => [oneLine(name), printable(shorten(text))] as const);
    const width = Math.max(...entries.map(([name]) => name.length));
    out(`\n${color.bold(title)}`);
    for (const [name, text] of entries)
      out(
        `  ${color.dim(name.padEnd(width))}  ${text.replaceAll('\n', `\n  ${' '.repeat(width)}  `)}`.trimEnd(),
      );
  };
  const paint = { success: color.green, failed: color.red, cancelled: color.yellow };
  out(`${color.bold(run.run_id)}  ${paint[run.status](run.status)}  ${run.experiment_id}`);
  section('params', entriesOf(run.params));
  section('metrics', entriesOf(run.metrics));
  section('derived metrics', entriesOf(run.derived));
  section(
    'failed derivations',
    run.failed_derivations.map(({ derivation, type, message }) => [derivation, `${type}: ${message}`]),
  );
  if (run.error) {
    const { type, message, stack } = run.error;
    section('error', [[type, message], ...(stack ? [['stack', withoutMessage(stack)] as const] : [])]);
  }
  section('times', [
    ['started', run.started_at],
    ['finished', run.finished_at],
    ['took', formatDuration(run.duration_ms)],
  ]);
  section('identity', [
    ['params', run.params_fingerprint],
    ['seed', `${run.seed_fingerprint}  (base ${run.seed_base ?? 'unknown'}, replicate ${run.replicate})`],
    ['context', run.context_fingerprint],
    ['code', run.code_fingerprint],
    ['index', `${run.index}  (generation ${run.generation}, attempt ${run.attempt})`],
  ]);
  section('submission', [['id', run.submission], ...describeGit(run.git)]);
  const { slurm, others } = describeProvenance(run.provenance);
  section('slurm', slurm);
  section('provenance', entriesOf(others));
  section(
    'series',
    run.series.map((series) => [
      series.name,
      `${series.points} points, steps ${series.first_step} to ${series.last_step}: ${formatNumber(series.first)} → ${formatNumber(series.last)} (least ${formatNumber(series.least)}, most ${formatNumber(series.most)})`,
    ]),
  );
  section(
    'artifacts',
    run.artifacts.map(({ name, kind, format, size_bytes }) => [
      name,
      `${kind}, ${format}, ${formatBytes(size_bytes)}`,
    ]),
  );
  section(
    'data',
    run.data.map((name) => [name, '']),
  );
  section(
    'tags',
    run.tags.map((tag) => [tag, '']),
  );
  section(
    'warnings',
    run.warnings.map((warning, index) => [String(index + 1), warning]),
  );
  section(
    'notes',
    run.notes.map((note, index) => [String(index + 1), note]),
  );
}

/** A terminal is no place for megabytes. */
const MAX_CHARACTERS = 10_000;

const shorten = (text: string) =>
  text.length > MAX_CHARACTERS
    ? `${text.slice(0, MAX_CHARACTERS)}… (${formatCount(text.length)} characters: --json has all)`
    : text;

function describeGit(git: RunDetails['git']): (readonly [string, string])[] {
  if (!git) return [];
  const { commit, dirty, untracked } = git;
  const changes = dirty ? 'yes: its submission.json in the store has the diff' : 'none';
  return [
    ['commit', commit],
    ['uncommitted changes', untracked ? `yes; not tracked: ${untracked.join(', ')}` : changes],
  ];
}

const entriesOf = (values: { readonly [name: string]: unknown }) =>
  Object.entries(values).map(([name, value]) => [name, textOf(value)] as const);

/** JSON has no NaN and no infinities. */
const textOf = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);

/** The stack frames without the message, which is printed above them. */
const withoutMessage = (stack: string) => {
  const frames = stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim());
  return frames.length > 0 ? frames.join('\n') : stack;
};

type Word = (value: JsonValue) => string;

const asText: Word = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const asBytes: Word = (value) => (typeof value === 'number' ? formatBytes(value) : asText(value));
const asDuration: Word = (value) => (typeof value === 'number' ? formatDuration(value) : asText(value));

/** The keys that a record has of its Slurm task, most useful first. */
const OF_SLURM: readonly (readonly [key: string, title: string, word: Word])[] = [
  ['environment', 'environment', asText],
  ['job', 'job', asText],
  ['task', 'task', asText],
  ['slurm_node', 'node', asText],
  ['partition', 'partition', asText],
  ['slurm_state', 'state', asText],
  ['task_elapsed_ms', 'task ran for', asDuration],
  ['elapsed_ms', 'task ran for', asDuration],
  ['max_rss_bytes', 'MaxRSS', asBytes],
];

/** A record's provenance, with Slurm's values in words. */
function describeProvenance(provenance: JsonObject): {
  readonly slurm: readonly (readonly [title: string, text: string])[];
  readonly others: JsonObject;
} {
  if (provenance.executor !== 'slurm') return { slurm: [], others: provenance };
  const known = new Set(OF_SLURM.map(([key]) => key));
  return {
    slurm: OF_SLURM.flatMap(([key, title, word]) => {
      const value = provenance[key];
      return value === undefined || value === null ? [] : [[title, word(value)] as const];
    }),
    others: Object.fromEntries(Object.entries(provenance).filter(([key]) => !known.has(key))),
  };
}
