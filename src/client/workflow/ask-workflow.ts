import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSING, REFUSED } from '../../contract/workflow.js';
import { InfrastructureError, MetalabError } from '../../definition/errors.js';

/** Timeouts of one try and of all: a cancelled workflow takes half a minute to end if its worker was killed. */
export const ANSWER_WITHIN_MS = 60_000;
const MAX_RACES = 20;
const NOT_READY_MS = 500;

/**
 * Asks a workflow for an update, again where that raced its end or its continuing as new, or if it is not ready.
 *
 * @param onFailure gets each failure first: may return an answer or throw. `raced`: an earlier try may have succeeded
 * @throws InfrastructureError if no server or worker answers; anything that `onFailure` throws
 */
export async function askWorkflow<T>(
  ask: () => Promise<T>,
  onFailure: (error: unknown, raced: boolean) => T | undefined,
): Promise<T> {
  const end = performance.now() + ANSWER_WITHIN_MS;
  for (let races = 0; ; ) {
    try {
      return await ask();
    } catch (error) {
      const answer = onFailure(error, races > 0);
      if (answer !== undefined) return answer;
      if (isNotReady(error) && performance.now() < end) await sleep(NOT_READY_MS);
      else if (racedTheEnd(error) && races < MAX_RACES) races++;
      else throw unreachable(error);
    }
  }
}

/** The type of the server's failure for an update that it sent to a worker, and that the worker did not answer. */
const UNPROCESSED = 'UnprocessedUpdate';

/**
 * Whether the update was not accepted, but can be soon:
 * - A workflow task has just failed, and the server retries it. This happens for two seconds after search attributes were
 *   created, because each service of a production server learns of them separately.
 * - The workflow was cancelled, and ends soon.
 * - The worker did not answer the update: seen once, as 40 clients submitted while their workflow ended.
 */
function isNotReady(error: unknown): boolean {
  if (causeOf(error)?.type === UNPROCESSED || refusalIn(error) === CLOSING) return true;
  const text = `${error} ${error instanceof Error ? String(error.cause ?? '') : ''}`;
  return /workflow task failure|workflow task in failed state/i.test(text);
}

/** Why the workflow's validator refused an update; undefined for other failures. */
export function refusalIn(error: unknown): string | undefined {
  const cause = causeOf(error);
  return cause?.type === REFUSED ? cause.message : undefined;
}

/** The application failure that made an update fail; undefined for other failures. */
function causeOf(error: unknown): (Error & { readonly type: unknown }) | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'type' in cause ? cause : undefined;
}

export const refused = (experimentId: string, update: string, reason: string) =>
  new MetalabError({
    code: 'METALAB_REFUSED',
    where: experimentId,
    what: `${update} was refused: ${reason}`,
    next: `metalab status ${experimentId} shows its status`,
  });

/** The workflow ended between accepting an update and answering it: nothing was enqueued; a new one can be started. */
function racedTheEnd(error: unknown): boolean {
  const text = `${error} ${error instanceof Error ? String(error.cause ?? '') : ''}`;
  return /completed|already closed|not found|closing|aborted/i.test(text) && !/deadline/i.test(text);
}

export function unreachable(error: unknown): InfrastructureError {
  const message =
    error instanceof Error
      ? error.cause instanceof Error
        ? error.cause.message
        : error.message
      : String(error);
  return new InfrastructureError(
    {
      code: 'METALAB_TEMPORAL',
      what: `Temporal did not do what was asked: ${message}`,
      next: 'metalab doctor',
    },
    { cause: error },
  );
}
