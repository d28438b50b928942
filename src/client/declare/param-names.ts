import type { z } from 'zod';
import type { Problem } from '../../definition/errors.js';
import type { JsonObject } from '../../definition/json.js';
import { nearestName } from '../../definition/nearest.js';

/** Params that the operation's schema does not know, and required params that a case lacks. */
interface NameProblems {
  readonly problems: readonly Problem[];
  /** Whether zod's own issue reports the same. */
  covers(issue: z.core.$ZodIssue): boolean;
}

/**
 * Compares a case's names of params with the schema's. zod drops what a schema doesn't know: a mistyped param would
 * silently vanish.
 *
 * @param where the case
 */
export function nameProblems(
  schema: z.ZodType,
  params: JsonObject,
  result: z.ZodSafeParseResult<unknown>,
  where: string,
): NameProblems {
  const known = knownNames(schema) ?? (result.success ? Object.keys(result.data as object) : undefined);
  const kept = result.success ? (result.data as object) : {};
  const unknown =
    takesAnyName(schema) || !known
      ? []
      : Object.keys(params).filter((name) => !(known.includes(name) || name in kept));
  const missing = result.success
    ? []
    : result.error.issues.filter((issue) => isMissing(issue, params)).map(({ path }) => String(path[0]));
  const shown = JSON.stringify(params).slice(0, 200);
  const problems = [
    ...unknown.map((name): Problem => {
      const near = nearestName(name, missing.length > 0 ? missing : known!) ?? nearestName(name, known!);
      return {
        where: `${where}.${name}`,
        what: `the operation's schema has no param '${name}' (case ${shown})`,
        expected: `one of ${known!.join(', ')}`,
        ...(near === undefined ? {} : { next: `did you mean ${near}?` }),
      };
    }),
    ...missing.map(
      (name): Problem => ({
        where: `${where}.${name}`,
        what: `the operation's schema needs the param '${name}' (case ${shown})`,
        expected: 'a value',
        next: `give it one in params${known ? ', or a default in the schema' : ''}`,
      }),
    ),
  ];
  return {
    problems,
    covers: (issue) =>
      isMissing(issue, params) || (issue.code === 'unrecognized_keys' && issue.path.length === 0),
  };
}

const isMissing = ({ path }: z.core.$ZodIssue, params: JsonObject) =>
  path.length === 1 && !Object.hasOwn(params, String(path[0]));

/** The names of an object schema; undefined for other schemas. */
function knownNames(schema: z.ZodType): string[] | undefined {
  const { shape } = schema as { readonly shape?: object };
  return shape ? Object.keys(shape) : undefined;
}

/** Whether an object schema accepts names that it does not list: `z.looseObject`, `.catchall(…)`. */
function takesAnyName(schema: z.ZodType): boolean {
  const { catchall } = schema.def as { readonly catchall?: z.ZodType };
  return catchall !== undefined && catchall.def.type !== 'never';
}
