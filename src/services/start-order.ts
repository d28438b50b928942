import { DefinitionError, type Problem } from '../definition/errors.js';
import type { ServicePlugin } from './plugin.js';
import type { ServiceSpec } from './service.js';

/** A service, and what it gives to others. */
export interface Dependent {
  readonly spec: ServiceSpec;
  readonly provides: ServicePlugin['provides'];
}

/**
 * The order in which services start: each after those that provide what it consumes; else as they are given.
 *
 * @param given kinds that need no service, since the environment has them: `store`
 * @throws DefinitionError METALAB_SERVICES naming every service without a provider, and those that wait for each other
 */
export function startOrder(services: readonly Dependent[], given: readonly string[]): ServiceSpec[] {
  const problems = services.flatMap(({ spec }) => missingOf(spec, services, given));
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_SERVICES');
  const ordered: Dependent[] = [];
  for (let left = [...services]; left.length > 0; ) {
    const next = left.find(({ spec }) => !left.some((other) => isNeededBy(other, spec, given)));
    if (!next) throw new DefinitionError([cycleOf(left, given)], 'METALAB_SERVICES');
    ordered.push(next);
    left = left.filter((other) => other !== next);
  }
  return ordered.map(({ spec }) => spec);
}

/** Whether a service has to wait for another: also for itself, if it consumes what only it provides. */
const isNeededBy = ({ provides }: Dependent, { consumes }: ServiceSpec, given: readonly string[]) =>
  consumes.some((kind) => !given.includes(kind) && provides.includes(kind));

function missingOf(
  { name, consumes }: ServiceSpec,
  services: readonly Dependent[],
  given: readonly string[],
): Problem[] {
  return consumes
    .filter((kind) => !given.includes(kind) && !services.some(({ provides }) => provides.includes(kind)))
    .map((kind) => ({
      where: `services.${name}`,
      what: `needs a ${kind}, which nothing provides`,
      expected: `a service that provides it, ${kind === 'store' ? 'such as [services.postgres], or an environment with a store of its own' : ''}`,
      next: `add one to .metalab.toml, or take [services.${name}] out`,
    }));
}

function cycleOf(left: readonly Dependent[], given: readonly string[]): Problem {
  const path: Dependent[] = [left[0]!];
  for (;;) {
    const next = left.find((other) => isNeededBy(other, path.at(-1)!.spec, given))!;
    const begin = path.indexOf(next);
    if (begin !== -1)
      return {
        where: '[services]',
        what: `these wait for each other: ${[...path.slice(begin), next].map(({ spec }) => spec.name).join(' → ')}`,
        expected: 'services that can start one after another, each after those that it needs',
        next: 'remove one of them',
      };
    path.push(next);
  }
}
