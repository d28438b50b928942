// @ts-check
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../support/temporal-on-postgres/ports.mjs';
import { ServerProcess } from '../support/temporal-on-postgres/server-process.mjs';

/** Debian's; sshd insists on being started by its whole path. */
const PROGRAM = '/usr/sbin/sshd';

/**
 * A real sshd of its own: host key, authorized_keys, port of 127.0.0.1, all in one folder, for the user who starts it.
 */
export class Sshd {
  /** @type {string} */
  folder;
  host = '127.0.0.1';
  /** @type {number} */
  port;
  user = userInfo().username;
  /** @type {ServerProcess | undefined} */
  #process;

  /**
   * @param {string} folder made by the caller, and removed by it
   * @param {number} port
   */
  constructor(folder, port) {
    this.folder = folder;
    this.port = port;
  }

  /**
   * @param {string} folder
   * @param {{ readonly config?: readonly string[], readonly hostKeys?: readonly ('ed25519' | 'rsa' | 'ecdsa')[] }} [options]
   *   config: further lines of sshd_config, which win over those here
   */
  static async start(folder, { config = [], hostKeys = ['ed25519'] } = {}) {
    const [port] = await freePorts(1);
    const sshd = new Sshd(folder, port ?? 0);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const type of hostKeys) makeKey(join(folder, `host_${type}`), type);
    if (!existsSync(sshd.key)) makeKey(sshd.key, 'ed25519');
    copyFileSync(`${sshd.key}.pub`, join(folder, 'authorized_keys'));
    sshd.#writeKnownHosts(hostKeys);
    writeFileSync(
      join(folder, 'sshd_config'),
      `${[
        ...config,
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        ...hostKeys.map((type) => `HostKey "${join(folder, `host_${type}`)}"`),
        `AuthorizedKeysFile "${join(folder, 'authorized_keys')}"`,
        'PidFile none',
        'StrictModes no',
        'PermitRootLogin yes',
        'UsePAM no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'UseDNS no',
        'PrintMotd no',
        'MaxStartups 100',
        // bash then skips ~/.bashrc: there pyenv takes a lock for each command, which a killed one keeps for a minute.
        'SetEnv SHLVL=2',
        'Subsystem sftp internal-sftp',
      ].join('\n')}\n`,
    );
    await sshd.start();
    return sshd;
  }

  /** The private key that may log in. */
  get key() {
    return join(this.folder, 'id_ed25519');
  }

  /** Has its host keys. */
  get knownHosts() {
    return join(this.folder, 'known_hosts');
  }

  /** @param {string} name @returns its host key's file, without `.pub` */
  hostKey(name = 'ed25519') {
    return join(this.folder, `host_${name}`);
  }

  get lastWords() {
    return this.#process?.lastWords ?? '';
  }

  /** Starts it, or starts it again: on the same port, with the same keys. */
  async start() {
    // Debian's package leaves it to the init system to make it.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    this.#process = new ServerProcess({
      command: PROGRAM,
      args: ['-D', '-e', '-f', join(this.folder, 'sshd_config')],
      folder: this.folder,
      logFile: join(this.folder, 'sshd.log'),
    });
    const until = performance.now() + 20_000;
    while (!(await canConnect(this.host, this.port))) {
      if (performance.now() > until || !this.#process.runs)
        throw new Error(`sshd did not start:\n${this.#process.lastWords}`);
      await delay(50);
    }
  }

  /** Processes of its connections, with what they started: the listening one is not among them. */
  sessions() {
    return descendantsOf(this.#process?.pid ?? -1);
  }

  /** Drops its connections as a network that goes: it listens on. */
  dropSessions() {
    signal(this.sessions(), 'SIGKILL');
  }

  /** Its connections fall silent, as a firewall would make them: nothing is closed. */
  freezeSessions() {
    signal(this.sessions(), 'SIGSTOP');
  }

  thawSessions() {
    signal(this.sessions(), 'SIGCONT');
  }

  /** Ends it and all its connections, with what they run. */
  async stop() {
    const sessions = this.sessions();
    await this.#process?.end('SIGKILL');
    signal(sessions, 'SIGKILL');
  }

  /** @param {readonly string[]} hostKeys */
  #writeKnownHosts(hostKeys) {
    const lines = hostKeys.map(
      (type) => `[${this.host}]:${this.port} ${readFileSync(`${this.hostKey(type)}.pub`, 'utf8')}`,
    );
    writeFileSync(this.knownHosts, lines.join(''));
  }
}

/**
 * Makes a key pair by ssh-keygen.
 *
 * @param {string} path
 * @param {string} [type]
 * @param {string} [passphrase]
 */
export function makeKey(path, type = 'ed25519', passphrase = '') {
  const made = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', path]);
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.error ?? made.stderr}`);
}

/** @param {number} pid */
function descendantsOf(pid) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  /** @type {number[]} */
  const found = [];
  found.push(...(children.get(pid) ?? []));
  for (let index = 0; index < found.length; index++) found.push(...(children.get(found[index] ?? -1) ?? []));
  return found;
}

/** @param {string} pid */
function parentOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** @param {readonly number[]} pids @param {NodeJS.Signals} name */
function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}

/** @param {string} host @param {number} port @returns {Promise<boolean>} */
function canConnect(host, port) {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
