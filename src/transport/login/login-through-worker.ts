import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { MetalabError } from '../../definition/errors.js';
import type { Prompter } from '../prompter.js';
import { TimeLimit, untilAborted } from '../time-limit.js';
import { Lines } from './lines.js';
import { FromWorker, type LoginRequest, type ToWorker } from './messages.js';

/**
 * Makes every worker of this user log in, one after another: each has a connection of its own, and a failure of one
 * does not stop the others.
 *
 * @param folder the folder of their sockets, as given to `LoginServer`
 * @returns the number of workers
 * @throws MetalabError of the first that failed, after the last has tried; immediately, what the prompter throws
 */
export async function loginThroughWorkers(
  folder: string,
  request: LoginRequest,
  prompter: Prompter,
): Promise<number> {
  let workers = 0;
  let gaveUp = false;
  const failures: unknown[] = [];
  const person: Prompter = {
    ask: (prompts, what) =>
      prompter.ask(prompts, what).catch((error: unknown) => {
        gaveUp = true;
        throw error;
      }),
  };
  for (const name of socketsIn(folder)) {
    try {
      if (await loginThroughWorker(join(folder, name), request, person)) workers++;
    } catch (error) {
      if (gaveUp) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return workers;
}

/** A worker's connection to a gateway through two jump hosts gives up earlier. */
const WORKER_ANSWERS_MS = 120_000;

/**
 * Makes a worker log in, and answers the prompts of its connection.
 *
 * @param within_ms how long the worker may take for each step of its own
 * @returns false if the worker has gone; its leftover socket is removed
 * @throws MetalabError saying why the login failed; what the prompter throws
 */
export async function loginThroughWorker(
  socketPath: string,
  request: LoginRequest,
  prompter: Prompter,
  within_ms = WORKER_ANSWERS_MS,
): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (!['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    rmSync(socketPath, { force: true });
    return false;
  }
  const lines = new Lines<FromWorker, ToWorker>(socket, (value) => FromWorker.parse(value));
  try {
    const { environment, gateway } = request;
    lines.send({ type: 'login', environment, gateway: { ...gateway, jump: [...(gateway.jump ?? [])] } });
    for (;;) {
      const silent = new TimeLimit(within_ms, undefined, () => workerSilent(request, within_ms));
      const message = await untilAborted(lines.next(), silent.signal).finally(() => silent.done());
      if (!message) throw workerLeft(request);
      if (message.type === 'done') return true;
      if (message.type === 'failed') throw new MetalabError(definedParts(message.error));
      lines.send({ type: 'answers', answers: [...(await prompter.ask(message.prompts, message.what))] });
    }
  } catch (error) {
    lines.send({ type: 'gave-up' });
    throw error;
  } finally {
    lines.end();
  }
}

function socketsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.sock'));
  } catch {
    return [];
  }
}

function definedParts(error: Extract<FromWorker, { type: 'failed' }>['error']) {
  const { code, what, where, expected, next } = error;
  return { code, what, ...(where && { where }), ...(expected && { expected }), ...(next && { next }) };
}

const workerSilent = ({ environment }: LoginRequest, within_ms: number) =>
  new MetalabError({
    code: 'METALAB_TRANSPORT_TIMEOUT',
    what: `the worker did not answer within ${within_ms / 1000} s: it is stopped, or very busy`,
    where: environment,
    next: 'metalab engine stop ends it, metalab engine start starts another; then log in again',
  });

const workerLeft = (request: LoginRequest) =>
  new MetalabError({
    code: 'METALAB_TRANSPORT_LOST',
    what: 'the worker ended before it was logged in',
    where: request.environment,
    next: `metalab env login ${request.environment}`,
  });
