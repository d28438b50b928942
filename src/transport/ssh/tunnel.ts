import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ClientChannel } from 'ssh2';
import type { Tunnel } from '../transport.js';
import type { Session } from './session.js';

/**
 * Forwards a loopback port of this machine to an address as seen from the gateway. It outlives connections: each new
 * socket uses the current connection.
 */
export async function openTunnel(
  session: () => Promise<Session>,
  to: { readonly host: string; readonly port: number },
): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    lead(socket, session, to).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function lead(
  socket: Socket,
  session: () => Promise<Session>,
  to: { readonly host: string; readonly port: number },
): Promise<void> {
  const live = await session();
  const channel = await live.request<ClientChannel>((client, done) =>
    client.forwardOut('127.0.0.1', 0, to.host, to.port, done),
  );
  const end = () => socket.destroy();
  channel.on('error', end);
  live.whileLive<void>((resolve) => channel.once('close', resolve)).then(end, end);
  // If nobody reads on, the channel's `close` never comes.
  socket.once('close', () => channel.resume().close());
  socket.pipe(channel).pipe(socket);
}
