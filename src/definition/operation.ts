import type { z } from 'zod';
import { callingModules } from './calling-modules.js';
import type { Problem } from './errors.js';
import type { JsonObject } from './json.js';
import { formatValue, optionProblems, refuse } from './refuse.js';
import type { RunArguments } from './run-arguments.js';

/** The user's computation for one cell. */
export interface Operation<Params = JsonObject, Context = unknown> {
  readonly [OPERATION]: true;
  /** Checks, types and completes params, before anything runs. */
  readonly params: z.ZodType<Params> | undefined;
  readonly run: (args: RunArguments<Params, Context>) => unknown;
  /** The modules on the stack where it was declared, nearest first: the programmatic client finds its module by them. */
  readonly declaredIn: readonly string[];
}

/** An operation with any params and context. */
// biome-ignore lint/suspicious/noExplicitAny: params and context are contravariant; only `any` accepts every operation.
export type AnyOperation = Operation<any, any>;

// Registered, not unique: an experiment file may resolve another copy of this module than the CLI does.
const OPERATION = Symbol.for('metalab.operation');

export interface OperationSpec<Params, Context> {
  /** A zod schema of one case's params. */
  readonly params?: z.ZodType<Params>;
  readonly run: (args: RunArguments<Params, Context>) => unknown;
}

/**
 * Declares an operation. It must be an exported binding of its module, because slots import nothing else from it.
 *
 * @example
 * export const double = operation(({ params, capture }) => capture.metric('twice', 2 * params.x));
 *
 * @throws DefinitionError if it is not a function and has none, or an option is unknown
 */
// biome-ignore lint/suspicious/noExplicitAny: without a schema, the user declares the type of params.
export function operation<Params = any, Context = any>(
  spec: OperationSpec<Params, Context> | ((args: RunArguments<Params, Context>) => unknown),
): Operation<Params, Context> {
  if (typeof spec !== 'function') refuse(specProblems(spec));
  const { run, params = undefined } = typeof spec === 'function' ? { run: spec } : { ...spec };
  return { [OPERATION]: true, params, run, declaredIn: callingModules(operation) };
}

function specProblems(spec: unknown): Problem[] {
  const problems = optionProblems('operation', spec ?? null, ['params', 'run']);
  const { run, params } = (spec ?? {}) as { readonly run?: unknown; readonly params?: unknown };
  if (typeof run !== 'function')
    problems.push({
      where: 'operation.run',
      what: run === undefined ? 'is missing' : `is ${formatValue(run)}`,
      expected: 'a function of { params, seeds, context, capture, runtime }',
    });
  if (params !== undefined && typeof (params as { safeParseAsync?: unknown })?.safeParseAsync !== 'function')
    problems.push({
      where: 'operation.params',
      what: `is ${formatValue(params)}`,
      expected: 'a zod schema, e.g. z.object({ x: z.number() })',
    });
  return problems;
}

export function isOperation(value: unknown): value is AnyOperation {
  return (
    typeof value === 'object' && value !== null && (value as { [OPERATION]?: unknown })[OPERATION] === true
  );
}
