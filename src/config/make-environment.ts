import { DefinitionError, type Problem } from '../definition/errors.js';
import { type DeclaredEnvironment, ownKeys } from './check-files.js';
import { formatPath, mistakesOf } from './format-issues.js';
import type { ResolvedEnvironment } from './resolved-config.js';
import type { Table } from './table.js';

/**
 * Makes an environment of its table.
 *
 * @param placeOf where a key's value stands, by its dotted path
 * @throws DefinitionError METALAB_CONFIG with every mistake
 */
export function makeEnvironment(
  name: string,
  { found, table }: DeclaredEnvironment,
  placeOf: (key: string) => string,
): ResolvedEnvironment {
  const { type, extension } = found;
  const own = ownKeys(table);
  const parsed = type.schema.safeParse(own);
  const problems: Problem[] = mistakesOf(type.schema, own, []).map(({ path, missing: _, ...problem }) => ({
    ...problem,
    where: placeOf(formatPath(path)),
  }));
  if (!parsed.success) throw new DefinitionError(problems, 'METALAB_CONFIG');
  for (const { where, ...problem } of type.check?.(parsed.data) ?? [])
    problems.push({
      ...problem,
      where: placeOf(where ?? ''),
      what: where ? `${where} ${problem.what}` : problem.what,
    });
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_CONFIG');
  const { store, services = {} } = table as { readonly store?: string; readonly services?: Table };
  const common = { name, ...(store === undefined ? {} : { store }), services };
  return type.resolve
    ? type.resolve(common, parsed.data)
    : {
        ...common,
        type: found.name,
        package: { name: extension?.package ?? '', folder: extension?.folder ?? '' },
        settings: parsed.data,
      };
}
