// @ts-check
import { execFile, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findPostgres } from '../../../scripts/setup/find-postgres.mjs';
import { freePorts } from './ports.mjs';
import { ServerProcess } from './server-process.mjs';

const run = promisify(execFile);

export const USER = 'temporal';
const READY_WITHIN_MS = 30_000;

/** A PostgreSQL cluster in a folder of its own, on 127.0.0.1 only. */
export class Postgres {
  #folder;
  #programs;
  #account;
  /** @type {ServerProcess | undefined} */
  #process;
  port;
  password;

  /**
   * @param {string} folder
   * @param {string} programs
   * @param {number} port
   * @param {string} password
   */
  constructor(folder, programs, port, password) {
    this.#folder = folder;
    this.#programs = programs;
    this.#account = account();
    this.port = port;
    this.password = password;
  }

  /**
   * Makes a cluster and starts it.
   *
   * @param {string} folder is made; who else may look into it is PostgreSQL's own business
   * @param {string} password of its superuser
   */
  static async create(folder, password) {
    const programs = findPostgres();
    if (!programs)
      throw new Error('there is no PostgreSQL here: node scripts/setup.mjs deps build temporal-server');
    const [port] = await freePorts(1);
    const postgres = new Postgres(folder, programs, /** @type {number} */ (port), password);
    await postgres.#initialise();
    await postgres.start();
    return postgres;
  }

  get pid() {
    return this.#process?.pid ?? 0;
  }

  async start() {
    for (const end = Date.now() + READY_WITHIN_MS; ; await sleep(200)) {
      const child = this.#launch();
      this.#process = child;
      while (child.runs && Date.now() < end) {
        if (await this.#answers()) return;
        await sleep(50);
      }
      // After a kill, its children need a moment to notice; until then the cluster is taken.
      if (child.runs || Date.now() > end) {
        await child.end('SIGKILL');
        throw new Error(`PostgreSQL did not start:\n${child.lastWords}`);
      }
    }
  }

  /** SIGKILL to its main process; the others see that and end. */
  async kill() {
    await this.#process?.end('SIGKILL');
  }

  async stop() {
    await this.#process?.end('SIGINT');
  }

  #launch() {
    return new ServerProcess({
      command: join(this.#programs, 'postgres'),
      args: [
        ...['-D', join(this.#folder, 'data'), '-p', String(this.port)],
        ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
        // What is killed here are processes, never the machine: what they wrote stays in the system's memory.
        ...['-c', 'fsync=off'],
      ],
      folder: this.#folder,
      logFile: join(this.#folder, 'postgres.log'),
      user: this.#account,
    });
  }

  async #initialise() {
    mkdirSync(this.#folder, { mode: 0o700 });
    const passwordFile = join(this.#folder, 'password');
    writeFileSync(passwordFile, this.password, { mode: 0o600 });
    const { uid, gid } = this.#account;
    if (uid !== undefined && gid !== undefined)
      for (const path of [this.#folder, passwordFile]) chownSync(path, uid, gid);
    const args = ['-D', join(this.#folder, 'data'), '-U', USER, '--auth=scram-sha-256'];
    const rest = [`--pwfile=${passwordFile}`, '--encoding=UTF8', '--no-locale', '--no-sync'];
    await run(join(this.#programs, 'initdb'), [...args, ...rest], { cwd: this.#folder, ...this.#account });
    rmSync(passwordFile);
  }

  async #answers() {
    const args = ['-h', '127.0.0.1', '-p', String(this.port), '-t', '1', '-q'];
    return run(join(this.#programs, 'pg_isready'), args).then(
      () => true,
      () => false,
    );
  }
}

/**
 * PostgreSQL refuses to run as root: then Debian's own account for it.
 *
 * @returns {{ readonly uid?: number, readonly gid?: number }}
 */
function account() {
  if (process.getuid?.() !== 0) return {};
  const idOf = (/** @type {string} */ flag) =>
    spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout?.trim();
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  if (!uid || !gid)
    throw new Error(
      'PostgreSQL does not run as root, and there is no user postgres for it: adduser --system postgres',
    );
  return { uid: Number(uid), gid: Number(gid) };
}
