import { fileURLToPath } from 'node:url';
import { describeError, type ErrorDescription } from '../../definition/errors.js';

const OWN_URL = import.meta.url;
const OWN_PATH = fileURLToPath(import.meta.url);
const MAX_CAUSES = 5;

/** Describes what a run threw. The stack points into the user's source and ends where the runner called it. */
export function describeRunError(thrown: unknown): ErrorDescription {
  try {
    const { type, message, stack } = describeError(thrown);
    return { type, message, ...(stack ? { stack: trimStack(stack) + causes(thrown) } : {}) };
  } catch {
    // A thrown value may be anything, even an object whose getters throw.
    return { type: typeof thrown, message: 'the operation threw a value that can’t be described' };
  }
}

/** Leaves out the runner's own frames and Node's. */
function trimStack(stack: string): string {
  return stack
    .split('\n')
    .filter(
      (line) =>
        !/^\s+at /.test(line) ||
        !(line.includes(OWN_URL) || line.includes(OWN_PATH) || /[( ]node:/.test(line)),
    )
    .join('\n');
}

function causes(thrown: unknown): string {
  let text = '';
  let cause = (thrown as { cause?: unknown }).cause;
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++) {
    text += `\nCaused by: ${trimStack(cause.stack ?? `${cause.name}: ${cause.message}`)}`;
    cause = cause.cause;
  }
  return text;
}
