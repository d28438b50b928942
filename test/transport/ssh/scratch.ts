import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SshSettings } from '../../../src/transport/ssh/settings.js';
import {
  createSshTransport,
  type SshTransport,
  type SshTransportOptions,
} from '../../../src/transport/ssh/ssh-transport.js';
import { Sshd } from '../../rig/sshd.mjs';

/** A folder with an sshd in it, and transports to it that use nothing of this machine's user's. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'metalab-ssh-'));
  readonly #servers: Sshd[] = [];
  readonly #transports: SshTransport[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  async start(
    options?: Parameters<typeof Sshd.start>[1],
    name = `sshd-${this.#servers.length}`,
  ): Promise<Sshd> {
    const sshd = await Sshd.start(this.path(name), options);
    this.#servers.push(sshd);
    return sshd;
  }

  /** @param settings over the sshd's host, port, user and key */
  connect(sshd: Sshd, settings: Partial<SshSettings> = {}, options: SshTransportOptions = {}): SshTransport {
    writeFileSync(this.path('empty'), '');
    const { host, port, user, key: ssh_key } = sshd;
    const transport = createSshTransport(
      { host, port, user, ssh_key, ...settings },
      {
        configFile: this.path('empty'),
        knownHostsFile: sshd.knownHosts,
        env: { HOME: this.folder },
        ...options,
      },
    );
    this.#transports.push(transport);
    return transport;
  }

  async close(): Promise<void> {
    for (const transport of this.#transports) await transport.close();
    for (const sshd of this.#servers) await sshd.stop();
    // Sessions that were frozen may still be writing their last.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
