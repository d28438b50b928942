import { InfrastructureError } from '../../definition/errors.js';
import type { Transport } from '../../transport/transport.js';
import { ExecutionFault } from '../execution-fault.js';
import {
  type AskCluster,
  ClusterRetry,
  type ClusterRetryOptions,
  formatResult,
  NoAnswer,
} from './cluster-retry.js';

/** For requests that need no work from the cluster. */
const ANSWER_MS = 60_000;

const notAnswered = (place: string, what: string) =>
  new InfrastructureError({
    code: 'METALAB_CLUSTER',
    where: place,
    what,
    next: 'metalab env check NAME looks at the cluster step by step',
  });

/**
 * Runs a command for somebody who waits at a terminal: once, and within a time limit.
 *
 * @throws TransportError if the cluster can't be reached or does not answer in time; InfrastructureError
 *   METALAB_CLUSTER if the command failed
 */
export const askOnce =
  (transport: Transport): AskCluster =>
  async (command, { isAnswer, ...options } = {}) => {
    const result = await transport.run(command, { timeout_ms: ANSWER_MS, ...options });
    if (isAnswer ? isAnswer(result) : result.exitCode === 0) return result;
    throw notAnswered(transport.place, formatResult(command, result));
  };

/** Does once what other callers repeat until the cluster answers. @throws as {@link askOnce} */
export async function once<T>({ place }: Transport, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw error instanceof NoAnswer ? notAnswered(place, error.message) : error;
  }
}

/** Runs an operation of several requests, each of which may be repeated for a minute. */
export async function withinMinutes<T>(
  transport: Transport,
  work: (retry: ClusterRetry) => Promise<T>,
  options: Pick<ClusterRetryOptions, 'onWaits'> = {},
): Promise<T> {
  const retry = new ClusterRetry(transport, { ...options, within_ms: ANSWER_MS, throwNeeded: true });
  try {
    return await work(retry);
  } catch (error) {
    throw error instanceof ExecutionFault ? notAnswered(transport.place, error.message) : error;
  } finally {
    retry.close();
  }
}
