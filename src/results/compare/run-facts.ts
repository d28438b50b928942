import type { JsonValue } from '../../definition/json.js';
import type { Cell } from '../query/cell.js';
import type { RunDetails } from '../run-details.js';

/** What a fact is about, in the order in which facts are shown. */
export const FACT_KINDS = [
  'run',
  'params',
  'seeds',
  'code',
  'context',
  'metrics',
  'derived',
  'series',
  'artifacts',
  'environment',
  'provenance',
  'git',
] as const;
export type FactKind = (typeof FACT_KINDS)[number];

/** Something of a run that may differ from another run's. */
export interface Fact {
  readonly kind: FactKind;
  readonly name: string;
  /** Undefined where the run has none. */
  readonly value: Cell;
  /** Whether its difference and ratio to another run's mean something. */
  readonly measured: boolean;
}

/** What a run is made of and came to. */
export function factsOf(run: RunDetails): Fact[] {
  const { error, context, git } = run;
  const listed = (values: readonly string[]) => (values.length === 0 ? undefined : [...values]);
  return [
    ...facts('run', {
      experiment: run.experiment_id,
      status: run.status,
      error: error ? `${error.type}: ${error.message}` : undefined,
      tags: listed(run.tags),
      warnings: listed(run.warnings),
      notes: listed(run.notes),
      generation: run.generation,
      attempt: run.attempt,
      duration_ms: run.duration_ms,
      submission: run.submission,
    }),
    ...facts('params', run.params),
    ...facts('seeds', { base: run.seed_base ?? undefined, replicate: run.replicate }),
    ...facts('code', { fingerprint: run.code_fingerprint, ...run.modules, ...run.packages }),
    ...facts('context', { fingerprint: run.context_fingerprint, ...context }),
    ...facts('metrics', run.metrics),
    ...facts('derived', run.derived),
    ...facts('series', endsOf(run)),
    ...facts('artifacts', Object.fromEntries(run.artifacts.map((each) => [each.name, each.content_hash]))),
    ...facts('environment', settingsOf(run.environment)),
    ...facts('provenance', { ...run.provenance, slot: undefined }),
    ...facts('git', git ? { commit: git.commit, dirty: git.dirty } : {}),
  ];
}

const ALL_MEASURED: readonly FactKind[] = ['params', 'metrics', 'derived', 'series'];

const facts = (kind: FactKind, values: { readonly [name: string]: Cell }): Fact[] =>
  Object.entries(values).map(([name, value]) => ({
    kind,
    name,
    value,
    measured: typeof value === 'number' && (ALL_MEASURED.includes(kind) || /_(ms|bytes)$/.test(name)),
  }));

/** Where its series end. The last value is the metric of that name, unless the run captured another one afterwards. */
function endsOf({ series, metrics }: RunDetails): { readonly [name: string]: Cell } {
  const ends = series.flatMap(({ name, last_step, last }) => [
    [`${name} last step`, last_step] as const,
    ...(Object.is(metrics[name], last) ? [] : [[`${name} last value`, last] as const]),
  ]);
  return Object.fromEntries(ends);
}

/** Where it executed, with the executor's settings one by one. Services may hold secrets. */
function settingsOf(environment: RunDetails['environment']): { readonly [name: string]: Cell } {
  const {
    services: _,
    store: __,
    executor = {},
    ...settings
  } = (environment ?? {}) as { readonly [key: string]: JsonValue };
  const ofExecutor = Object.entries(executor as object).map(([name, value]) => [`executor.${name}`, value]);
  return { ...settings, ...Object.fromEntries(ofExecutor) };
}
