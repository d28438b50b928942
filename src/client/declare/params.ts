import { countCells } from '../../definition/declaration.js';
import { DefinitionError, describeError, type Problem } from '../../definition/errors.js';
import type { Experiment } from '../../definition/experiment.js';
import type { JsonObject, JsonValue } from '../../definition/json.js';
import { paramSourceFromSpec } from '../../definition/params/from-spec.js';
import { Manual } from '../../definition/params/manual.js';
import { Random } from '../../definition/params/random.js';
import type { ManualSpec, ParamSource, ParamSpec } from '../../definition/params/source.js';
import { isObject } from '../../definition/type-guards.js';
import { canonicalJson } from '../../identity/canonical.js';
import { paramsFingerprint } from '../../identity/fingerprint.js';
import { collectCanonicalProblems, toPlainJson } from '../../identity/plain-json.js';
import { checkCase, limitProblems } from './case.js';

/** Plans store cell numbers in 32 bits. */
const MAX_CELLS = 2 ** 32 - 1;

/**
 * Converts an experiment's params to data: a grid or a random search stays as declared, unless the schema completes its
 * cases or `resolve` adds to them; everything else becomes a list of cases.
 *
 * @param context as the operation sees it, for `resolve`
 * @param warn is called with each warning for the user, one sentence each
 * @throws DefinitionError with every case that can't be run
 */
export async function declareParams(
  experiment: Experiment,
  context: unknown,
  warn: (sentence: string) => void = () => {},
): Promise<ParamSpec> {
  const given = sourceOf(experiment.params);
  if (given.length === 0) throw new DefinitionError([emptyProblem(given)], 'METALAB_EMPTY');
  const cells = countCells(given.length, experiment.seeds);
  if (cells > MAX_CELLS) throw new DefinitionError([tooManyProblem(cells)], 'METALAB_TOO_MANY');
  refuse(valueProblems(given));
  // Values with a fingerprint() method are replaced by what it returns, here and wherever the declaration goes.
  const source = paramSourceFromSpec(toPlainJson(given.toSpec(), 'params') as unknown as ParamSpec);

  const schema = experiment.operation.params;
  const completed =
    schema || experiment.resolve ? await completeCases(source, experiment, context) : source.toSpec();
  const spec = source.kind === 'random' ? withoutRepeats(completed) : completed;
  const distinct = paramSourceFromSpec(spec).length;
  if (distinct < given.length) warn(formatRepeats(given.length, distinct));
  if (spec.kind === 'random') return spec;
  refuse(spec.kind === 'grid' ? repeatedAxisValues(spec.axes) : repeatedCases(spec));
  return spec;
}

function sourceOf(params: Experiment['params']): ParamSource {
  if ('toSpec' in params && 'at' in params) return params;
  try {
    return new Manual({ kind: 'manual', cases: [...params] });
  } catch (thrown) {
    const { type, message, stack } = describeError(thrown);
    const place = stack?.split('\n')[1]?.trim();
    throw new DefinitionError([
      {
        where: 'params',
        what: `iterating over its cases threw ${type}: ${message}${place ? ` (${place})` : ''}`,
        expected:
          'grid({ … }), random({ … }), manual([ … ]), or an iterable that yields an object for every case',
        next: 'fix what yields the cases',
      },
    ]);
  }
}

const SOURCES = { grid: 'the grid', random: 'the random search', manual: 'the list of cases' } as const;

const tooManyProblem = (cells: number): Problem => ({
  where: 'params',
  what: `${cells.toLocaleString('en-US')} runs (cases × replicates)`,
  expected: `at most ${MAX_CELLS.toLocaleString('en-US')}`,
  next: 'take values out, draw cases with random({ … }), or split it into several experiments',
});

function emptyProblem(source: ParamSource): Problem {
  const spec = source.toSpec();
  const emptyAxes =
    spec.kind === 'grid' ? Object.keys(spec.axes).filter((axis) => spec.axes[axis]!.length === 0) : [];
  return {
    where: emptyAxes.length > 0 ? `params.${emptyAxes.join(', params.')}` : 'params',
    what:
      emptyAxes.length > 0 ? 'has no values, so the grid has no cases' : `${SOURCES[spec.kind]} has no cases`,
    expected: 'at least one case',
    next:
      emptyAxes.length > 0
        ? 'give it a value, or take the axis out'
        : 'there is nothing to run: check what fills it',
  };
}

/** What canonical JSON rejects: each value of a grid once, every case of other sources. */
function valueProblems(source: ParamSource): Problem[] {
  const spec = source.toSpec();
  if (spec.kind === 'random') return collectCanonicalProblems(spec.space, 'params');
  if (spec.kind === 'grid') return collectCanonicalProblems(spec.axes, 'params');
  return limitProblems(
    spec.cases.flatMap((params, index) =>
      isObject(params)
        ? collectCanonicalProblems(params, `params[${index}]`)
        : [
            {
              where: `params[${index}]`,
              what: `is ${JSON.stringify(params) ?? typeof params}`,
              expected: 'an object of params',
            },
          ],
    ),
  );
}

/** Puts every case through the schema and `resolve`. If they change nothing, the source stays as declared. */
async function completeCases(
  source: ParamSource,
  experiment: Experiment,
  context: unknown,
): Promise<ParamSpec> {
  const problems: Problem[] = [];
  const cases: JsonObject[] = [];
  let changed = false;
  // In a grid or a search, the first case has the same names as all others.
  const sameNames = source.kind !== 'manual' && !experiment.resolve;
  for (let index = 0; index < source.length; index++) {
    const params = toPlainJson(source.at(index), `params[${index}]`) as JsonObject;
    const completed = await checkCase(params, index, experiment, context, index === 0 || !sameNames);
    if ('problems' in completed) {
      problems.push(...completed.problems);
      continue;
    }
    changed ||= completed.changed;
    cases.push(completed.params);
  }
  refuse(limitProblems(problems));
  if (!changed) return source.toSpec();
  return { kind: 'manual', cases, ...(source.tagsAt(0).length > 0 ? { tags: source.tagsAt(0) } : {}) };
}

/** Leaves out trials that repeat an earlier one: they are the same run. */
function withoutRepeats(spec: ParamSpec): ParamSpec {
  if (spec.kind === 'grid') return spec;
  const source = spec.kind === 'random' ? new Random({ ...spec, collapsed: [] }) : new Manual(spec);
  const seen = new Set<string>();
  const repeats: number[] = [];
  for (let trial = 0; trial < source.length; trial++) {
    const key = paramsFingerprint(source.at(trial));
    if (seen.has(key)) repeats.push(trial);
    else seen.add(key);
  }
  if (repeats.length === 0) return spec;
  if (spec.kind === 'random') return { ...spec, collapsed: repeats };
  const left = new Set(repeats);
  return { ...spec, cases: spec.cases.filter((_, trial) => !left.has(trial)) };
}

const formatRepeats = (trials: number, distinct: number) =>
  `params: ${trials - distinct} of the ${trials} trials of the random search repeat earlier ones, so it has ${distinct} ${distinct === 1 ? 'case' : 'cases'}. For more runs of each case, raise seeds.replicates; for more cases, widen the space`;

function repeatedAxisValues(axes: { readonly [axis: string]: readonly JsonValue[] }): Problem[] {
  return Object.entries(axes).flatMap(([axis, values]) =>
    repeats(values).map(([first, again, text]) => ({
      where: `params.${axis}`,
      what: `has ${text} twice, at ${first} and ${again}: every cell of the grid would occur twice`,
      expected: 'each value once',
      next: 'take one out; for more runs of the same case, raise seeds.replicates',
    })),
  );
}

function repeatedCases(spec: ManualSpec): Problem[] {
  return limitProblems(
    repeats(spec.cases).map(([first, again, text]) => ({
      where: `params[${again}]`,
      what: `is the same case as params[${first}]: ${text}`,
      expected: 'each case once',
      next: 'take one out; for more runs of the same case, raise seeds.replicates',
    })),
  );
}

function repeats(values: readonly JsonValue[]): [first: number, again: number, text: string][] {
  const seen = new Map<JsonValue, number>();
  const seenTexts = new Map<string, number>();
  const found: [number, number, string][] = [];
  values.forEach((value, index) => {
    // Most values are numbers or strings, which a Map distinguishes as canonical JSON does: saves 0.5 s for a million.
    const isPlain = typeof value !== 'object' || value === null;
    const first = isPlain ? see(seen, value, index) : see(seenTexts, canonicalJson(value), index);
    if (first !== undefined) found.push([first, index, canonicalJson(value).slice(0, 200)]);
  });
  return found;
}

/** Notes where a key was first seen. @returns that position, if it was seen before */
function see<Key>(seen: Map<Key, number>, key: Key, index: number): number | undefined {
  const first = seen.get(key);
  if (first === undefined) seen.set(key, index);
  return first;
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new DefinitionError(problems);
}
