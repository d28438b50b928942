import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describeError, MetalabError } from '../../definition/errors.js';
import { isGone, ownerName } from '../../storage/file/owner.js';
import type { Prompter } from '../prompter.js';
import { Lines } from './lines.js';
import { type FromWorker, type LoginRequest, ToWorker } from './messages.js';

export interface LoginServerOptions {
  /** Contains one socket for each worker of this user. Accessible to its owner only. */
  readonly folder: string;
  /** Logs in; `prompter` asks the person at the command line. Errors are reported there. */
  readonly onLogin: (request: LoginRequest, prompter: Prompter) => Promise<void>;
}

/**
 * A worker's server for `metalab env login`: the connection belongs to the worker, the person is at the command line.
 * It is a unix socket that only its owner can reach; answers are kept only in memory.
 */
export class LoginServer {
  readonly socketPath: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(socketPath: string, server: Server) {
    this.socketPath = socketPath;
    this.#server = server;
  }

  /** @throws if the socket's path is too long for the system (107 bytes), or its folder can't be created */
  static async open({ folder, onLogin }: LoginServerOptions): Promise<LoginServer> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    removeOrphans(folder);
    const path = join(folder, `${ownerName()}.sock`);
    rmSync(path, { force: true });
    const server = createServer();
    const login = new LoginServer(path, server);
    server.on('connection', (socket) => login.#serve(socket, onLogin));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    chmodSync(path, 0o600);
    return login;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.socketPath, { force: true });
  }

  #serve(socket: Socket, onLogin: LoginServerOptions['onLogin']): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const lines = new Lines<ToWorker, FromWorker>(socket, (value) => ToWorker.parse(value));
    answer(lines, onLogin)
      .then(
        () => lines.send({ type: 'done' }),
        (error) => lines.send({ type: 'failed', error: partsOf(error) }),
      )
      .finally(() => lines.end());
  }
}

/** Removes sockets of killed workers. Those of other machines with the same home folder stay. */
function removeOrphans(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.endsWith('.sock') && isGone(name.slice(0, -'.sock'.length)))
      rmSync(join(folder, name), { force: true });
}

async function answer(
  lines: Lines<ToWorker, FromWorker>,
  onLogin: LoginServerOptions['onLogin'],
): Promise<void> {
  const request = await lines.next();
  if (request?.type !== 'login') return;
  await onLogin(request, {
    async ask(prompts, what) {
      lines.send({ type: 'ask', what, prompts: [...prompts] });
      const reply = await lines.next();
      if (reply?.type !== 'answers') throw new Error('the person who was asked has left');
      return reply.answers;
    },
  });
}

function partsOf(error: unknown): Extract<FromWorker, { type: 'failed' }>['error'] {
  if (!(error instanceof MetalabError)) return { code: 'METALAB_LOGIN', what: describeError(error).message };
  const { code, what, where, expected, next } = error;
  return { code, what, where, expected, next };
}
