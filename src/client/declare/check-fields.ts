import { DirReference, FileReference } from '../../definition/context.js';
import { isDerivation } from '../../definition/derivation.js';
import { parseDuration } from '../../definition/duration.js';
import { DefinitionError, type Problem } from '../../definition/errors.js';
import type { Experiment, ExperimentSpec } from '../../definition/experiment.js';
import { parseMemorySize } from '../../definition/memory-size.js';
import { isOperation } from '../../definition/operation.js';
import { unknownName } from '../../definition/refuse.js';
import { unsetVariables } from '../../definition/run-environment.js';
import { seeds as seedPlan } from '../../definition/seeds.js';
import { collectCanonicalProblems } from '../../identity/plain-json.js';
import { checkFailureLimit, checkObjective } from './objective.js';
import { checkResources } from './resources.js';
import { show } from './show.js';

const LEGAL = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const LEGAL_EXPECTATION = 'letters, digits, `_`, `-` and `.`, beginning with a letter or digit, at most 100';

const FIELDS: { readonly [field in keyof Required<ExperimentSpec>]: true } = {
  name: true,
  version: true,
  operation: true,
  params: true,
  seeds: true,
  context: true,
  description: true,
  tags: true,
  metadata: true,
  resolve: true,
  retries: true,
  timeout: true,
  memory: true,
  isolate: true,
  objective: true,
  maxFailures: true,
  derived: true,
  resources: true,
  env: true,
  code: true,
};

/** Everything that is wrong with an experiment's own fields; params and context have separate checks. */
export function checkFields(experiment: Experiment, environment: NodeJS.ProcessEnv): Problem[] {
  return [
    ...checkNames(experiment),
    ...checkShapes(experiment),
    ...checkLimits(experiment),
    ...checkObjective(experiment.objective),
    ...checkFailureLimit(experiment.maxFailures),
    ...checkDerived(experiment.derived),
    ...checkResources(experiment.resources),
    ...checkEnvironment(experiment, environment),
  ];
}

function checkNames(experiment: Experiment): Problem[] {
  const problems: Problem[] = [];
  for (const field of ['name', 'version'] as const) {
    const value: unknown = experiment[field];
    if (typeof value !== 'string' || !LEGAL.test(value)) {
      problems.push({ where: field, what: `is ${show(value)}`, expected: LEGAL_EXPECTATION });
    }
  }
  for (const field of Object.keys(experiment)) {
    if (field in FIELDS) continue;
    problems.push(unknownName(field, 'is not a property of an experiment', field, Object.keys(FIELDS)));
  }
  return problems;
}

function checkShapes({
  operation,
  seeds,
  params,
  context,
  description,
  tags,
  metadata,
  resolve,
  env,
  code,
}: Experiment): Problem[] {
  const problems: Problem[] = [];
  const refuse = (where: string, value: unknown, expected: string) =>
    problems.push({ where, what: `is ${show(value)}`, expected });
  if (!isOperation(operation))
    refuse('operation', operation, 'operation({ run({ params, … }) { … } }), an exported binding');
  if (typeof seeds !== 'object' || seeds === null || !('base' in seeds) || !('replicates' in seeds)) {
    refuse('seeds', seeds, 'seeds({ base: 42, replicates: 10 })');
  } else problems.push(...seedProblems(seeds));
  if (typeof params !== 'object' || params === null || !('toSpec' in params || Symbol.iterator in params)) {
    refuse('params', params, 'grid({ … }), random({ … }), manual([ … ]), or an iterable of objects');
  }
  if (context !== undefined && !isPlain(context)) {
    refuse('context', context, 'an object of plain values, file(…) and dir(…), each under a name');
  }
  if (description !== undefined && typeof description !== 'string')
    refuse('description', description, 'a text');
  if (resolve !== undefined && typeof resolve !== 'function') {
    refuse('resolve', resolve, 'a function of { params, context } that returns further params');
  }
  for (const [field, list] of Object.entries({ tags, env, code })) {
    if (
      list !== undefined &&
      !(Array.isArray(list) && list.every((item) => typeof item === 'string' && item !== ''))
    ) {
      refuse(field, list, 'an array of texts');
    }
  }
  if (metadata !== undefined && !isPlain(metadata)) refuse('metadata', metadata, 'an object of plain values');
  else if (metadata !== undefined) problems.push(...collectCanonicalProblems(metadata, 'metadata'));
  return problems;
}

const isPlain = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !(Array.isArray(value) || value instanceof FileReference || value instanceof DirReference);

function checkDerived(derived: unknown): Problem[] {
  if (derived === undefined) return [];
  if (!isPlain(derived))
    return [
      {
        where: 'derived',
        what: `is ${show(derived)}`,
        expected: 'an object of derive(…)s, each under a name',
      },
    ];
  return Object.entries(derived as object).flatMap(([name, value]) => {
    const where = `derived.${name}`;
    const problems = checkDerivationName(name, where);
    if (problems.length > 0 || isDerivation(value)) return problems;
    return [{ where, what: `is ${show(value)}`, expected: 'derive((run) => ({ … })), an exported binding' }];
  });
}

/** Names of derivations are names of files, too. */
export const checkDerivationName = (name: string, where: string): Problem[] =>
  LEGAL.test(name) ? [] : [{ where, what: 'is no name of a derivation', expected: LEGAL_EXPECTATION }];

/** A seed plan may be written by hand, and is then not checked yet. */
function seedProblems(plan: Experiment['seeds']): readonly Problem[] {
  try {
    seedPlan(plan);
    return [];
  } catch (failure) {
    if (failure instanceof DefinitionError) return failure.problems;
    throw failure;
  }
}

function checkLimits({ retries, timeout, memory, isolate }: Experiment): Problem[] {
  const problems: Problem[] = [];
  if (retries !== undefined && !(Number.isSafeInteger(retries) && retries >= 0)) {
    problems.push({ where: 'retries', what: `is ${show(retries)}`, expected: 'a whole number from 0' });
  }
  if (timeout !== undefined && parseDuration(timeout) === undefined) {
    problems.push({
      where: 'timeout',
      what: `is ${show(timeout)}`,
      expected: "a duration such as '90s', '2h', or milliseconds above 0",
    });
  }
  if (memory !== undefined && parseMemorySize(memory) === undefined) {
    problems.push({
      where: 'memory',
      what: `is ${show(memory)}`,
      expected: "an amount such as '512M', '4G', or bytes above 0",
    });
  }
  if (isolate !== undefined && typeof isolate !== 'boolean')
    problems.push({ where: 'isolate', what: `is ${show(isolate)}`, expected: 'true or false' });
  return problems;
}

const checkEnvironment = ({ env }: Experiment, environment: NodeJS.ProcessEnv): Problem[] =>
  Array.isArray(env)
    ? unsetVariables(
        environment,
        env.filter((name) => typeof name === 'string'),
      )
    : [];
