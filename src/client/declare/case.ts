import { describeError, type Problem } from '../../definition/errors.js';
import type { Experiment } from '../../definition/experiment.js';
import type { JsonObject } from '../../definition/json.js';
import { canonicalJson } from '../../identity/canonical.js';
import { CanonicalError, toPlainJson } from '../../identity/plain-json.js';
import { nameProblems } from './param-names.js';

/** Further problems are counted, not listed: a wrong schema fails every case of a sweep. */
const MAX_LISTED = 20;

export function limitProblems(problems: readonly Problem[]): Problem[] {
  if (problems.length <= MAX_LISTED) return [...problems];
  return [...problems.slice(0, MAX_LISTED), { what: `and ${problems.length - MAX_LISTED} more like these` }];
}

/**
 * Applies `resolve` and the operation's schema to one case. The resulting params identify the run.
 *
 * @param reportNames whether to report unknown and missing params for this case too
 * @returns the completed params, and whether they differ from the given ones; or the problems with them
 */
export async function checkCase(
  params: JsonObject,
  index: number,
  experiment: Experiment,
  context: unknown,
  reportNames = true,
): Promise<{ params: JsonObject; changed: boolean } | { problems: Problem[] }> {
  const where = `params[${index}]`;
  let completed = params;
  try {
    if (experiment.resolve) {
      const further = toPlainJson(await experiment.resolve({ params, context }), `resolve(${where})`);
      if (typeof further !== 'object' || further === null || Array.isArray(further)) {
        return {
          problems: [
            {
              where: `resolve(${where})`,
              what: `returned ${JSON.stringify(further)}`,
              expected: 'an object of further params',
            },
          ],
        };
      }
      completed = { ...params, ...further };
    }
    const { schema, problems, parsed } = await parse(completed, where, experiment, reportNames);
    if (problems.length > 0) return { problems };
    if (schema) completed = parsed;
  } catch (thrown) {
    if (thrown instanceof CanonicalError) return { problems: [...thrown.problems] };
    const { type, message } = describeError(thrown);
    return {
      problems: [
        {
          where,
          what: `${type}: ${message}`,
          next: 'fix resolve or the schema: it must not throw for a case of the sweep',
        },
      ],
    };
  }
  return { params: completed, changed: canonicalJson(completed) !== canonicalJson(params) };
}

async function parse(params: JsonObject, where: string, { operation }: Experiment, reportNames: boolean) {
  const schema = operation.params;
  if (!schema) return { schema, problems: [], parsed: params };
  const result = await schema.safeParseAsync(params);
  const { problems: ofNames, covers } = nameProblems(schema, params, result, where);
  const names = reportNames ? [...ofNames] : [];
  if (!result.success) {
    const shown = JSON.stringify(params).slice(0, 200);
    const problems: Problem[] = result.error.issues
      .filter((issue) => !covers(issue))
      .map((issue) => ({
        where: [where, ...issue.path.map(String)].join('.'),
        what: `${issue.message} (case ${shown})`,
        expected: "what the operation's schema says",
      }));
    return { schema, problems: [...names, ...problems], parsed: params };
  }
  return { schema, problems: names, parsed: toPlainJson(result.data, where) as JsonObject };
}
