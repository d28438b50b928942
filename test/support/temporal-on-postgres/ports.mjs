// @ts-check
import { createServer } from 'node:net';

/**
 * Below the range that systems give to outgoing connections: a client that keeps trying a dead server's port of that
 * range in the end connects to itself, and the server can't have its port back.
 */
const FROM = 20_000;
const TO = 32_000;

/**
 * Free ports of 127.0.0.1 that a server can be given, killed, and given again.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  /** @type {Set<number>} */
  const ports = new Set();
  while (ports.size < count) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await canListen(port)) ports.add(port);
  }
  return [...ports];
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
