import { connect, createServer } from 'node:net';

/** Stands between metalab and the gateway, and counts what passes. */
export class Wire {
  #server;
  #sockets = new Set();
  /** Bytes to the gateway, and from it. */
  sent = 0;
  received = 0;
  /** How often metalab's side spoke after the gateway had: no more round trips than that were waited for. */
  turns = 0;

  /** @param {number} port the gateway's, on 127.0.0.1 */
  static async open(port) {
    const wire = new Wire();
    wire.#server = createServer((client) => wire.#join(client, connect(port, '127.0.0.1')));
    await new Promise((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port() {
    return this.#server.address().port;
  }

  /** @returns what passed since, with `sent`, `received` and `turns` */
  since({ sent, received, turns }) {
    return { sent: this.sent - sent, received: this.received - received, turns: this.turns - turns };
  }

  now() {
    return { sent: this.sent, received: this.received, turns: this.turns };
  }

  close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client, gateway) {
    let gatewaySpoke = true;
    client.on('data', (bytes) => {
      this.sent += bytes.length;
      if (gatewaySpoke) this.turns++;
      gatewaySpoke = false;
    });
    gateway.on('data', (bytes) => {
      this.received += bytes.length;
      gatewaySpoke = true;
    });
    client.pipe(gateway).pipe(client);
    for (const [socket, other] of [
      [client, gateway],
      [gateway, client],
    ]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on('error', () => other.destroy());
      socket.on('close', () => this.#sockets.delete(socket) && other.destroy());
    }
  }
}
