// @ts-check
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon } from './daemon.mjs';
import { childrenOf, kill, MARK, signal } from './processes.mjs';
import { program } from './programs.mjs';

const run = promisify(execFile);

const SFTP_SERVERS = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/libexec/sftp-server',
];

/** Compiled into sshd, which as root refuses to start without it; Debian's init script makes it at every boot. */
const PRIVILEGE_SEPARATION = '/run/sshd';

/**
 * How the gateway is reached.
 *
 * @typedef {object} GatewayAddress
 * @property {string} host
 * @property {number} port
 * @property {string} user
 * @property {string} key the private key's file
 * @property {string} knownHosts the file with the gateway's host key
 * @property {string} sshConfig for `ssh -F`: the gateway is its host `rig`
 */

/** An SSH server: who logs in finds the rig's Slurm, and a home in the rig's folder. */
export class Gateway {
  #folder;
  #settings;
  #env;
  #home;
  #daemon;

  /**
   * @param {string} folder the rig's
   * @param {import('./settings.mjs').RigSettings} settings
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(folder, settings, env) {
    this.#home = join(folder, 'home');
    this.#folder = join(folder, 'ssh');
    this.#settings = settings;
    this.#env = { ...env, [MARK]: folder, HOME: this.#home };
    this.#daemon = new Daemon(folder, 'sshd', {
      // By its whole path: it starts itself again for every connection.
      program: program('sshd'),
      args: ['-D', '-e', '-f', join(this.#folder, 'sshd_config')],
      env: { ...env, [MARK]: folder },
    });
  }

  /** @returns {GatewayAddress} */
  get address() {
    return {
      host: '127.0.0.1',
      port: this.#settings.ports.gateway,
      user: this.#settings.user,
      key: join(this.#folder, 'user_key'),
      knownHosts: join(this.#folder, 'known_hosts'),
      sshConfig: join(this.#folder, 'config'),
    };
  }

  async start() {
    if (!existsSync(this.#folder)) await this.#make();
    if (process.getuid?.() === 0) mkdirSync(PRIVILEGE_SEPARATION, { recursive: true, mode: 0o755 });
    await this.#daemon.start(() => answers(this.#settings.ports.gateway));
  }

  /** The server and every connection end, as with a machine that crashes; what was started through it goes on. */
  async stop() {
    // A connection accepted after its sessions were listed would live on, and no later call would find it.
    this.#daemon.suspend();
    const sessions = this.#sessions();
    await this.#daemon.end('SIGKILL');
    await kill(sessions);
  }

  /** Every connection is cut; new ones are welcome. */
  killSessions() {
    return kill(this.#sessions());
  }

  /** Connections fall silent, as behind a firewall that forgot them: nothing is closed. */
  freezeSessions() {
    for (const session of this.#sessions()) signal(session, 'SIGSTOP');
  }

  thawSessions() {
    for (const session of this.#sessions()) signal(session, 'SIGCONT');
  }

  #sessions() {
    return this.#daemon.runs ? childrenOf(this.#daemon.pid) : [];
  }

  async #make() {
    mkdirSync(this.#folder, { mode: 0o755 });
    await Promise.all(['host_key', 'user_key'].map((name) => this.#makeKey(name)));
    const { host, port, knownHosts, sshConfig } = this.address;
    const publicKey = (/** @type {string} */ name) => readFileSync(join(this.#folder, `${name}.pub`), 'utf8');
    writeFileSync(join(this.#folder, 'authorized_keys'), publicKey('user_key'), { mode: 0o644 });
    writeFileSync(knownHosts, `[${host}]:${port} ${publicKey('host_key')}`);
    writeFileSync(sshConfig, this.#clientConfig());
    writeFileSync(join(this.#folder, 'login'), LOGIN, { mode: 0o755 });
    writeFileSync(join(this.#folder, 'sshd_config'), this.#serverConfig(), { mode: 0o600 });
  }

  /** @param {string} name */
  #makeKey(name) {
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(this.#folder, name)];
    return run(program('ssh-keygen'), args, { env: this.#env });
  }

  #serverConfig() {
    const environment = Object.entries(this.#env).map(([name, value]) => `"${name}=${value}"`);
    const { port } = this.address;
    return [
      `ListenAddress ${this.#settings.options.gatewayAddress}:${port}`,
      `HostKey ${join(this.#folder, 'host_key')}`,
      `AuthorizedKeysFile ${join(this.#folder, 'authorized_keys')}`,
      `PidFile ${join(this.#folder, 'sshd.pid')}`,
      // The folders above may be writable for all, as /tmp is.
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PrintMotd no',
      'MaxStartups 100',
      `SetEnv ${environment.join(' ')}`,
      `ForceCommand ${join(this.#folder, 'login')}`,
      `Subsystem sftp ${SFTP_SERVERS.find((path) => existsSync(path)) ?? SFTP_SERVERS[0]}`,
      '',
    ].join('\n');
  }

  #clientConfig() {
    const { host, port, user, key, knownHosts } = this.address;
    return [
      'Host rig',
      `  HostName ${host}`,
      `  Port ${port}`,
      `  User ${user}`,
      `  IdentityFile ${key}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${knownHosts}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking yes',
      '',
    ].join('\n');
  }
}

/** sshd changes into the account's real home, in which nothing is to be written. */
const LOGIN = `#!/bin/sh
cd "$HOME" || exit
[ -n "$SSH_ORIGINAL_COMMAND" ] || exec "$SHELL"
exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"
`;

/** @param {number} port @returns {Promise<boolean>} */
const answers = (port) =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('data', () => socket.destroy(void resolve(true)));
    socket.once('error', () => resolve(false));
    socket.once('end', () => resolve(false));
  });
