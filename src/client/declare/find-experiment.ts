import { DefinitionError, UsageError } from '../../definition/errors.js';
import { type Experiment, isExperiment } from '../../definition/experiment.js';

/**
 * Picks the experiment that a file exports.
 *
 * @param name the experiment's name, its id, or the export's name; needed if there are several
 * @throws DefinitionError if there is none; UsageError if the choice is not clear
 */
export function findExperiment(
  file: string,
  exports: { readonly [name: string]: unknown },
  name: string | undefined,
): Experiment {
  const found = new Map<Experiment, string>();
  for (const [exported, value] of Object.entries(exports)) {
    if (isExperiment(value) && !found.has(value)) found.set(value, exported);
  }
  if (found.size === 0) {
    throw new DefinitionError(
      [
        {
          where: file,
          what: 'exports no experiment',
          expected: 'export default experiment({ name, version, operation, params, seeds })',
          next: 'export it, so that metalab can find it',
        },
      ],
      'METALAB_NO_EXPERIMENT',
    );
  }
  const matches = [...found].filter(
    ([experiment, exported]) =>
      name === undefined || [experiment.name, idOf(experiment), exported].includes(name),
  );
  if (matches.length === 1) return matches[0]![0];
  const choices = [...found]
    .map(([experiment, exported]) => `${idOf(experiment)} (export ${exported})`)
    .join(', ');
  throw new UsageError({
    code: 'METALAB_WHICH_EXPERIMENT',
    where: file,
    what:
      name === undefined
        ? `exports ${found.size} experiments`
        : `exports ${matches.length === 0 ? 'no' : 'several'} experiments named ${name}`,
    expected: `one of ${choices}`,
    next: 'choose with --name',
  });
}

const idOf = ({ name, version }: Experiment) => `${name}:${version}`;
