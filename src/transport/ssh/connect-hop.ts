import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import type { Prompter } from '../prompter.js';
import { TimeLimit, untilAborted } from '../time-limit.js';
import { TransportError } from '../transport-error.js';
import { Authentication } from './authentication.js';
import { hostKeyAlgorithms, verifyHostKey } from './host-key.js';
import { formatHop, type Hop } from './settings.js';

export interface ConnectOptions {
  /** Without it, every login that needs a person is refused. */
  readonly prompter?: Prompter | undefined;
  /** The argument for `metalab env login`, for messages. */
  readonly environment?: string | undefined;
  /** For reaching one host, and for logging in there, without the time that a person takes. Default: 20,000. */
  readonly connectTimeout_ms?: number;
  /** How often an idle connection is tested; after three tests without an answer it counts as lost. Default: 5,000. */
  readonly keepAlive_ms?: number;
}

const CONNECT_TIMEOUT_MS = 20_000;

interface Ssh2Error extends Error {
  readonly level?: string;
  readonly code?: string | number;
}

/** How a hop is reached. */
export interface WayThere {
  /** The stream to it; without it, TCP. */
  readonly socket: Duplex | undefined;
  /** Aborted when a host before this one has gone. */
  readonly signal: AbortSignal;
  /** Called once this host has gone after the login. The channel's `end` counts: its `close` may never follow. */
  readonly gone: (cause?: Error) => void;
}

/**
 * Connects and logs in at one host.
 *
 * @throws TransportError with code METALAB_TRANSPORT_UNREACHABLE, _LOGIN or _HOST_KEY; the signal's reason
 */
export async function connectHop(
  hop: Hop,
  { socket, signal, gone }: WayThere,
  options: ConnectOptions,
): Promise<Client> {
  const client = new ssh2.Client();
  const limit = connectLimit(hop, signal, options);
  const prompter = options.prompter && untimed(options.prompter, limit);
  const authentication = new Authentication(hop, prompter);
  let refusal: unknown;
  let loggingIn = false;
  try {
    const connected = new Promise<void>((resolve, reject) => {
      const fail = (error: Ssh2Error) => {
        if (error.level === 'agent') return;
        const denied =
          error.level === 'client-authentication' || (loggingIn && typeof error.code === 'number');
        reject(
          refusal ??
            (denied ? authentication.failure(options.environment) : unreachable(hop, error.message, error)),
        );
      };
      const hungUp = () => fail(new Error('the host hung up'));
      client.on('error', fail).once('end', hungUp).once('close', hungUp);
      client.once('ready', () => {
        // The connection may end in this very moment: its end may be in the same packet.
        client.on('error', gone);
        client.once('end', () => gone()).once('close', () => gone());
        resolve();
      });
      client.once('handshake', () => {
        loggingIn = true;
      });
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
    await untilAborted(connected, limit.signal);
    // Requests and their answers are small: with Nagle's algorithm, uploading a file of 100 KB took 0.5 s.
    client.setNoDelay(true);
    return client;
  } catch (error) {
    client.on('error', () => {}).destroy();
    throw error;
  } finally {
    limit.done();
  }
}

/**
 * Opens a stream from one host to the next. @throws TransportError with code METALAB_TRANSPORT_UNREACHABLE; the
 * signal's reason
 */
export async function forward(
  client: Client,
  from: Hop,
  to: Hop,
  signal: AbortSignal,
  options: ConnectOptions,
): Promise<Duplex> {
  const limit = connectLimit(to, signal, options);
  const opened = new Promise<Duplex>((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, to.host, to.port, (error, channel) => {
      if (error) reject(unreachable(to, `not reached from ${formatHop(from)}: ${error.message}`, error));
      else resolve(channel);
    });
  });
  try {
    return await untilAborted(opened, limit.signal);
  } finally {
    limit.done();
  }
}

function connectLimit(hop: Hop, signal: AbortSignal, { connectTimeout_ms }: ConnectOptions): TimeLimit {
  const timeout_ms = connectTimeout_ms ?? CONNECT_TIMEOUT_MS;
  return new TimeLimit(timeout_ms, signal, () => unreachable(hop, `no answer within ${timeout_ms / 1000} s`));
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

/** The error for a host that could not be reached. */
export const unreachable = (hop: Hop, reason: string, cause?: unknown) =>
  new TransportError(
    { code: 'METALAB_TRANSPORT_UNREACHABLE', what: `can't be reached: ${reason}`, where: formatHop(hop) },
    { cause },
  );
