import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import {
  createSshTransport,
  type SshTransport,
  type SshTransportOptions,
} from '../../../src/transport/ssh/ssh-transport.js';
import { makeKey } from '../../rig/sshd.mjs';

interface Wanted {
  readonly code?: string;
  readonly password?: string;
  /** The code is the second factor, after any key. */
  readonly afterKey?: boolean;
}

/** A host that asks for codes and passwords, and runs nothing: every command says `ran`. */
export class InteractiveServer {
  connections = 0;
  readonly #server: InstanceType<typeof ssh2.Server>;
  readonly #folder: string;
  readonly #live = new Set<Connection>();
  readonly #transports: SshTransport[] = [];

  private constructor(folder: string, wanted: Wanted) {
    this.#folder = folder;
    const key = join(folder, `interactive host ${Math.random()}`);
    makeKey(key);
    writeFileSync(this.#knownHosts, `* ${readFileSync(`${key}.pub`, 'utf8')}`);
    this.#server = new ssh2.Server({ hostKeys: [readFileSync(key)] }, (client) =>
      this.#serve(client, wanted),
    );
  }

  static async start(folder: string, wanted: Wanted): Promise<InteractiveServer> {
    const server = new InteractiveServer(folder, wanted);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  connect(options: SshTransportOptions, ssh_key = join(this.#folder, 'none')): SshTransport {
    const { port } = this.#server.address() as AddressInfo;
    const configFile = join(this.#folder, 'no config');
    const settings = { host: '127.0.0.1', port, user: 'me', ssh_key };
    const dependencies = { configFile, knownHostsFile: this.#knownHosts, env: { HOME: this.#folder } };
    const transport = createSshTransport(settings, { ...dependencies, ...options });
    this.#transports.push(transport);
    return transport;
  }

  drop(): void {
    for (const client of this.#live) client.end();
  }

  async close(): Promise<void> {
    for (const transport of this.#transports) await transport.close();
    this.drop();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get #knownHosts(): string {
    return join(this.#folder, 'interactive known hosts');
  }

  #serve(client: Connection, wanted: Wanted): void {
    this.connections++;
    this.#live.add(client);
    client.on('error', () => {}).on('close', () => this.#live.delete(client));
    let hasKey = !wanted.afterKey;
    client.on('authentication', (context: AuthContext) => {
      if (!hasKey) {
        hasKey = context.method === 'publickey';
        context.reject(hasKey ? ['keyboard-interactive'] : ['publickey'], hasKey);
      } else if (wanted.password !== undefined) {
        if (context.method === 'password' && context.password === wanted.password) context.accept();
        else context.reject(['password']);
      } else if (context.method === 'keyboard-interactive') {
        context.prompt(
          [{ prompt: 'Verification code: ', echo: true }],
          'Two factors',
          'See your phone',
          (answers) => {
            if (answers[0] === wanted.code) context.accept();
            else context.reject(['keyboard-interactive']);
          },
        );
      } else context.reject(['keyboard-interactive']);
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const mark = /echo (metalab\w+);/.exec(command)?.[1];
        channel.stderr.write(`${mark} 999999999\n`);
        channel.write(`${mark}\nran`);
        channel.exit(0);
        channel.end();
      });
    });
  }
}
