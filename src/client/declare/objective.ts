import type { Problem } from '../../definition/errors.js';
import { FAILURE_LIMIT_EXPECTATION, parseFailureLimit } from '../../definition/failure-limit.js';
import { DIRECTIONS } from '../../definition/objective.js';
import { unknownName } from '../../definition/refuse.js';
import { show } from './show.js';

const PROPERTIES = ['metric', 'direction'];

export function checkObjective(objective: unknown): Problem[] {
  if (objective === undefined) return [];
  const expected = "{ metric: 'loss', direction: 'min' } or 'max'";
  if (typeof objective !== 'object' || objective === null || Array.isArray(objective))
    return [{ where: 'objective', what: `is ${show(objective)}`, expected }];
  const { metric, direction, ...others } = objective as { readonly [key: string]: unknown };
  const problems: Problem[] = [];
  if (typeof metric !== 'string' || metric === '')
    problems.push({ where: 'objective.metric', what: `is ${show(metric)}`, expected: "a metric's name" });
  if (!(DIRECTIONS as readonly unknown[]).includes(direction))
    problems.push({
      where: 'objective.direction',
      what: `is ${show(direction)}`,
      expected: "'min' or 'max'",
    });
  for (const key of Object.keys(others))
    problems.push(unknownName(`objective.${key}`, 'is not a property of an objective', key, PROPERTIES));
  return problems;
}

export function checkFailureLimit(limit: unknown): Problem[] {
  if (limit === undefined || parseFailureLimit(limit) !== undefined) return [];
  return [{ where: 'maxFailures', what: `is ${show(limit)}`, expected: FAILURE_LIMIT_EXPECTATION }];
}
