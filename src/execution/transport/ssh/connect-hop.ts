import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import type { Prompter } from '../prompter.js';
import { TimeLimit } from '../time-limit.js';
import { TransportError } from '../transport-error.js';
import { Authentication } from './authentication.js';
import { hostKeyAlgorithms, verifyHostKey } from './host-key.js';
import { type Hop, wordHop } from './settings.js';

export interface ConnectOptions {
  /** Without it, whatever needs a person is refused. */
  readonly prompter?: Prompter | undefined;
  /** What `metalab env login` is to be given, for messages. */
  readonly environment?: string | undefined;
  /** For connecting and logging in at one host, not counting what a person takes. Default: 20,000. */
  readonly connectTimeout_ms?: number;
  /** How often an idle connection is asked whether it is still there; three times without an answer, it isn't. Default: 5,000. */
  readonly keepAlive_ms?: number;
}

interface Ssh2Error extends Error {
  readonly level?: string;
  readonly code?: string | number;
}

/**
 * Connects and logs in at one host.
 *
 * @param socket what leads there; without it, TCP
 * @throws TransportError with code METALAB_TRANSPORT_UNREACHABLE, _LOGIN or _HOST_KEY
 */
export async function connectHop(
  hop: Hop,
  socket: Duplex | undefined,
  options: ConnectOptions,
): Promise<Client> {
  const client = new ssh2.Client();
  const limit = new TimeLimit(options.connectTimeout_ms ?? 20_000, undefined, () =>
    unreachable(hop, `no answer within ${(options.connectTimeout_ms ?? 20_000) / 1000} s`),
  );
  const prompter = options.prompter && untimed(options.prompter, limit);
  const authentication = new Authentication(hop, prompter);
  let refusal: unknown;
  let loggingIn = false;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Ssh2Error) => {
        if (error.level === 'agent') return;
        const denied =
          error.level === 'client-authentication' || (loggingIn && typeof error.code === 'number');
        reject(
          refusal ??
            (denied ? authentication.failure(options.environment) : unreachable(hop, error.message, error)),
        );
      };
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason));
      client.on('error', fail);
      client.once('ready', resolve);
      client.once('handshake', () => {
        loggingIn = true;
      });
      client.once('close', () => fail(new Error('the host hung up')));
      client.connect({
        host: hop.host,
        port: hop.port,
        username: hop.user,
        readyTimeout: 0,
        keepaliveInterval: options.keepAlive_ms ?? 5_000,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: hostKeyAlgorithms(hop) },
        hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
          verifyHostKey(hop, key, prompter).then(
            () => verify(true),
            (error) => {
              refusal = error;
              verify(false);
            },
          );
        },
        authHandler: authentication.handler,
        ...(socket && { sock: socket }),
      });
    });
    // Requests and their answers are small: with Nagle's algorithm, putting a file of 100 KB took 0.5 s.
    client.setNoDelay(true);
    return client;
  } catch (error) {
    client.on('error', () => {}).destroy();
    throw error;
  } finally {
    limit.done();
  }
}

/** Leads on from a host to the next. */
export function leadOn(client: Client, from: Hop, to: Hop): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, to.host, to.port, (error, channel) => {
      if (error) reject(unreachable(to, `not reached from ${wordHop(from)}: ${error.message}`, error));
      else resolve(channel);
    });
  });
}

function untimed(prompter: Prompter, limit: TimeLimit): Prompter {
  return {
    async ask(prompts, what) {
      limit.pause();
      try {
        return await prompter.ask(prompts, what);
      } finally {
        limit.renew();
      }
    },
  };
}

const unreachable = (hop: Hop, reason: string, cause?: unknown) =>
  new TransportError(
    { code: 'METALAB_TRANSPORT_UNREACHABLE', what: `can't be reached: ${reason}`, where: wordHop(hop) },
    { cause },
  );
