import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Transport, Tunnel } from '../../src/transport/transport.js';
import type { TransportFixture } from './contract.js';

/** What every transport's tunnels do. */
export function describeTunnels(name: string, open: () => Promise<TransportFixture>): void {
  describe(`tunnels of the ${name} transport`, { timeout: 180_000 }, () => {
    let fixture: TransportFixture;
    let transport: Transport;
    let service: TestService;
    let tunnel: Tunnel;
    let failures: unknown[];

    beforeAll(async () => {
      fixture = await open();
      transport = fixture.transport;
    });
    afterAll(() => fixture?.close());
    beforeEach(async () => {
      service = await TestService.start();
      failures = [];
      tunnel = await transport.openTunnel(service.target, { onFailure: (error) => failures.push(error) });
    });
    afterEach(async () => {
      await tunnel.close();
      await service.stop();
      expect(failures).toEqual([]);
    });

    it('lead bytes both ways unchanged, at the same time', async () => {
      service.serve((socket) => socket.pipe(socket));
      const bytes = randomBytes(20_000_000);
      const client = dial(tunnel);
      client.end(bytes);
      expect(sha256(await received(client))).toBe(sha256(bytes));
    });

    it('listen on loopback only', () => {
      expect(tunnel.host).toBe('127.0.0.1');
      expect(tunnel.port).not.toBe(service.target.port);
    });

    it('tell the service that its client has sent all, and still bring the answer', async () => {
      service.serve(async (socket) => {
        const asked = await received(socket);
        socket.end(`got ${asked.length}`);
      });
      const client = dial(tunnel);
      client.end(Buffer.alloc(300_000));
      expect((await received(client)).toString()).toBe('got 300000');
    });

    it('close the connection once both sides have ended', async () => {
      service.serve((socket) => socket.end('bye'));
      const client = dial(tunnel);
      expect((await received(client)).toString()).toBe('bye');
      client.end();
      await once(client, 'close');
      await expect.poll(() => service.open, { timeout: 60_000 }).toBe(0);
    });

    it('carry many connections at once, each its own', async () => {
      service.serve((socket) => socket.pipe(socket));
      const texts = Array.from({ length: 100 }, (_, index) => `${index} `.repeat(2_000));
      const answers = await Promise.all(
        texts.map(async (text) => {
          const client = dial(tunnel);
          client.end(text);
          return (await received(client)).toString();
        }),
      );
      expect(answers).toEqual(texts);
    });

    it('hold a fast sender back while its reader is slow', async () => {
      let sent = 0;
      service.serve((socket) => {
        const piece = Buffer.alloc(1_000_000);
        const send = () => {
          do sent += piece.length;
          while (socket.write(piece));
        };
        socket.on('drain', send);
        send();
      });
      const client = dial(tunnel);
      await once(client, 'readable');
      // Until nothing moves any more: kernel buffers and windows are full.
      let before = -1;
      while (sent !== before) {
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      expect(sent).toBeLessThan(100_000_000);
      client.destroy();
      await expect.poll(() => service.open, { timeout: 60_000 }).toBe(0);
    });

    it('lead to another target after a change, and reset connections to the former one', async () => {
      service.serve((socket) => socket.write('first'));
      const other = await TestService.start();
      other.serve((socket) => socket.end('second'));
      const client = dial(tunnel);
      await once(client, 'data');
      const reset = once(client, 'error');
      tunnel.retarget(other.target);
      expect(await reset).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
      expect((await received(dial(tunnel))).toString()).toBe('second');
      await tunnel.check();
      await other.stop();
    });

    it('name a target that nothing listens on, reset its clients, and lead there once it is back', async () => {
      const { target } = service;
      await service.stop();
      const fault = {
        code: 'METALAB_TRANSPORT_UNREACHABLE',
        message: expect.stringContaining(`${transport.place}: 127.0.0.1:${target.port} can't be reached`),
      };
      await expect(tunnel.check()).rejects.toMatchObject(fault);
      const client = dial(tunnel);
      const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNRESET');
      expect(failures.splice(0)).toEqual([expect.objectContaining(fault)]);
      service = await TestService.start(target.port);
      service.serve((socket) => socket.end('back'));
      expect((await received(dial(tunnel))).toString()).toBe('back');
    });

    it('listen on the port that was asked for, or name the one that is taken', async () => {
      const port = tunnel.port;
      await expect(transport.openTunnel(service.target, { port })).rejects.toMatchObject({
        code: 'METALAB_PORT',
        message: expect.stringContaining(`port ${port} is in use`),
      });
      await tunnel.close();
      tunnel = await transport.openTunnel(service.target, { port });
      expect(tunnel.port).toBe(port);
      await tunnel.check();
    });

    it('reset what is open when they are closed, and listen no more', async () => {
      service.serve((socket) => socket.write('some'));
      const client = dial(tunnel);
      await once(client, 'data');
      const reset = once(client, 'error');
      await tunnel.close();
      expect(await reset).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
      const late = dial(tunnel);
      expect(await once(late, 'error')).toEqual([expect.objectContaining({ code: 'ECONNREFUSED' })]);
      await expect.poll(() => service.open, { timeout: 60_000 }).toBe(0);
    });
  });
}

/** A TCP server on a port of its own. */
export class TestService {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #serve: (socket: Socket) => unknown = () => {};

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
      socket.resume();
      this.#serve(socket);
    });
  }

  static async start(port = 0, host = '127.0.0.1'): Promise<TestService> {
    const service = new TestService();
    service.#server.listen(port, host);
    await once(service.#server, 'listening');
    return service;
  }

  get target() {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** How many connections it has whose other side has not ended. */
  get open(): number {
    return [...this.#sockets].filter(({ readableEnded }) => !readableEnded).length;
  }

  serve(serve: (socket: Socket) => unknown): void {
    this.#serve = serve;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}

/** A client whose errors are looked for by those who expect them. */
export function dial({ host, port }: { readonly host: string; readonly port: number }): Socket {
  return connect({ host, port, allowHalfOpen: true }).on('error', () => {});
}

/** All that comes, until the other side ends. The stream stays open, unlike with node:stream/consumers. */
export function received(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.once('end', () => resolve(Buffer.concat(pieces))).once('error', reject);
  });
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
