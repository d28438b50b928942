import { once, setMaxListeners } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { InfrastructureError } from '../definition/errors.js';
import { TimeLimit } from './time-limit.js';
import type { Transport, Tunnel, TunnelOptions, TunnelTarget } from './transport.js';
import { TransportError } from './transport-error.js';

/**
 * Opens a stream to a host and port. The stream emits `error` if it was cut off, so that what came is not taken for
 * all.
 *
 * @throws TransportError; the signal's reason
 */
export type Dial = (target: TunnelTarget, signal: AbortSignal) => Promise<Duplex>;

/** As long as for a gateway: a node that is gone does not refuse, it is silent. */
const CONNECT_TIMEOUT_MS = 20_000;
const HOST = '127.0.0.1';

/**
 * Connects to a target within a time.
 *
 * @param place from where
 * @throws TransportError METALAB_TRANSPORT_UNREACHABLE that names the target; the signal's reason
 */
export async function connectTarget<T extends Duplex>(
  place: string,
  target: TunnelTarget,
  signal: AbortSignal,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new TimeLimit(CONNECT_TIMEOUT_MS, signal, () =>
    targetError(place, target, `no answer within ${CONNECT_TIMEOUT_MS / 1000} s`),
  );
  try {
    return await start(limit.signal);
  } catch (error) {
    limit.signal.throwIfAborted();
    throw error instanceof TransportError
      ? error
      : targetError(place, target, (error as Error).message, error);
  } finally {
    limit.done();
  }
}

const targetError = (place: string, { host, port }: TunnelTarget, reason: string, cause?: unknown) =>
  new TransportError(
    {
      code: 'METALAB_TRANSPORT_UNREACHABLE',
      what: `${host}:${port} can't be reached from here: ${reason}`,
      where: place,
    },
    { cause },
  );

/** A transport's tunnels: implements `Transport.openTunnel`, and their part of `close`. */
export class Tunnels {
  readonly #dial: Dial;
  readonly #open = new Set<Tunnel>();

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  readonly open: Transport['openTunnel'] = async (target, options) => {
    const tunnel = await listenFor(this.#dial, target, options);
    this.#open.add(tunnel);
    return tunnel;
  };

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((tunnel) => tunnel.close()));
  }
}

async function listenFor(
  dial: Dial,
  target: TunnelTarget,
  { port = 0, onFailure = () => {} }: TunnelOptions = {},
): Promise<Tunnel> {
  let leadsTo = target;
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const resetAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  // Paused: nothing is read before there is something to write it to. Half open: one side may end before the other.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    dial(leadsTo, closing.signal).then(
      (far) => join(socket, far),
      (error) => {
        socket.resetAndDestroy();
        if (!closing.signal.aborted) onFailure(error);
      },
    );
  });
  const listening = await listen(server, port);
  return {
    host: HOST,
    port: listening,
    get isOpen() {
      return server.listening;
    },
    async check(signal) {
      const both = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
      const far = await dial(leadsTo, both);
      far.on('error', () => {}).destroy();
    },
    retarget(to) {
      if (to.host === leadsTo.host && to.port === leadsTo.port) return;
      leadsTo = to;
      resetAll();
    },
    async close() {
      closing.abort(closedError());
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      resetAll();
      await closed;
    },
  };
}

/** Each side's bytes go to the other, no faster than that takes them, and so does each side's end. */
function join(socket: Socket, far: Duplex): void {
  far.on('error', () => socket.resetAndDestroy());
  if (socket.destroyed) {
    far.destroy();
    return;
  }
  socket.once('close', () => far.destroy());
  // After its end has been passed on.
  far.once('close', () => socket.destroySoon());
  socket.pipe(far);
  far.pipe(socket);
}

/** @returns the port */
async function listen(server: Server, port: number): Promise<number> {
  server.listen({ host: HOST, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw portError(port, error as NodeJS.ErrnoException);
  }
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

const portError = (port: number, cause: NodeJS.ErrnoException) =>
  new InfrastructureError(
    {
      code: 'METALAB_PORT',
      what:
        cause.code === 'EADDRINUSE'
          ? `port ${port} is in use`
          : `can't listen on port ${port}: ${cause.message}`,
      expected: `a free port of ${HOST}`,
      next: 'choose another one, or none: then a free one is taken',
    },
    { cause },
  );

const closedError = () =>
  new TransportError({
    code: 'METALAB_TRANSPORT_LOST',
    what: 'the tunnel was closed',
  });
