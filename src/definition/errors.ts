/**
 * metalab's own errors. A message has four parts: what happened, where, what was expected, what to do next.
 * `code` is stable (`METALAB_…`) and safe to match on; the wording is not.
 */

export interface ErrorParts {
  readonly code: `METALAB_${string}`;
  /** What happened, as a sentence without its full stop. */
  readonly what: string;
  /** The place: a file and line, a parameter's path, a command-line option. */
  readonly where?: string;
  readonly expected?: string;
  /** What the reader can do now. */
  readonly next?: string;
}

export class MetalabError extends Error {
  override readonly name: string = 'MetalabError';
  readonly code: `METALAB_${string}`;
  readonly what: string;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly next: string | undefined;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    super(formatParts(parts), options);
    this.code = parts.code;
    this.what = parts.what;
    this.where = parts.where;
    this.expected = parts.expected;
    this.next = parts.next;
  }
}

/** One mistake of an input. All mistakes of one input are reported together, in a {@link DefinitionError}. */
export interface Problem {
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly next?: string;
}

/** Thrown when a declaration of the user's can't be run. `problems` holds every mistake that was found. */
export class DefinitionError extends MetalabError {
  override readonly name = 'DefinitionError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], code: `METALAB_${string}` = 'METALAB_DEFINITION') {
    super(partsOf(problems, code));
    this.problems = problems;
  }
}

/** Thrown when the command line is used wrongly: an unknown prefix, an option that can't be. Exit code 2. */
export class UsageError extends MetalabError {
  override readonly name = 'UsageError';
}

/** Thrown when a store can't be opened, read or written. */
export class StoreError extends MetalabError {
  override readonly name = 'StoreError';
}

/** Thrown when Temporal, a worker or another part that metalab needs isn't there. Exit code 3. */
export class InfrastructureError extends MetalabError {
  override readonly name = 'InfrastructureError';
}

/** The message of whatever was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** The parts of one error about several problems. */
export function partsOf(problems: readonly Problem[], code: ErrorParts['code']): ErrorParts {
  const [only, ...others] = problems;
  if (only && others.length === 0) return { code, ...only };
  return { code, what: `${problems.length} problems\n${problems.map(formatProblem).join('\n')}` };
}

function formatParts({ what, where, expected, next }: Problem): string {
  const lines = [where ? `${where}: ${what}` : what];
  if (expected) lines.push(`  expected: ${expected}`);
  if (next) lines.push(`  next: ${next}`);
  return lines.join('\n');
}

function formatProblem(problem: Problem): string {
  return formatParts(problem)
    .split('\n')
    .map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`))
    .join('\n');
}

/** The shape of an error in records, the REST API and `--json`: plain data. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
}

/** Describes anything that was thrown, including values that are not errors. */
export function describeError(thrown: unknown): ErrorDescription {
  if (thrown instanceof Error) {
    return {
      type: thrown.name || 'Error',
      message: String(thrown.message),
      ...(thrown.stack ? { stack: thrown.stack } : {}),
    };
  }
  return { type: thrown === null ? 'null' : typeof thrown, message: describeValue(thrown) };
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value === 'bigint' ? String(value) : `a value of type ${typeof value} that can't be shown`;
  }
}
