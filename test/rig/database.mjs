// @ts-check
import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accountOf } from './accounts.mjs';
import { Daemon } from './daemon.mjs';
import { program } from './programs.mjs';

const run = promisify(execFile);

/** slurmdbd's tables. What is killed are processes, never the machine: nothing needs to reach the disk. */
const SETTINGS = [
  '--innodb-buffer-pool-size=64M',
  '--innodb-log-file-size=32M',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-flush-method=nosync',
  '--innodb-doublewrite=0',
  '--innodb-lock-wait-timeout=900',
  '--performance-schema=OFF',
  '--skip-name-resolve',
  '--bind-address=127.0.0.1',
];

/** Slurm's numbers of states. */
const FAILED = 5;
const OUT_OF_MEMORY = 11;

/** MariaDB in a folder of its own. */
export class Database {
  #folder;
  #port;
  #env;
  #daemon;

  /**
   * @param {string} folder the rig's
   * @param {number} port
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(folder, port, env) {
    this.#folder = join(folder, 'mariadb');
    this.#port = port;
    this.#env = env;
    this.#daemon = new Daemon(folder, 'mariadbd', {
      program: program('mariadbd'),
      args: [...this.#place, ...SETTINGS, `--port=${port}`, `--init-file=${this.#firstStatements}`],
      env,
      account: accountOf('mysql'),
    });
  }

  /** Makes the database where there is none. */
  async start() {
    if (!existsSync(this.#folder)) await this.#make();
    await this.#daemon.start(() => this.#answers());
  }

  stop() {
    return this.#daemon.end();
  }

  /**
   * Jobs that slurmd ended for their memory are OUT_OF_MEMORY in sacct. Slurm calls them so only where cgroups ended them,
   * which not every machine lets it use; without, they are FAILED, and only their step tells why: it was cancelled by
   * nobody's request but Slurm's own.
   *
   * @param {string} cluster
   */
  async tellOutOfMemory(cluster) {
    await this.#execute(`CREATE TRIGGER out_of_memory BEFORE UPDATE ON ${cluster}_job_table FOR EACH ROW
      IF NEW.state = ${FAILED} AND NEW.exit_code = 9 AND EXISTS (
        SELECT 1 FROM ${cluster}_step_table WHERE job_db_inx = NEW.job_db_inx AND kill_requid = 0
      ) THEN SET NEW.state = ${OUT_OF_MEMORY}, NEW.exit_code = 125; END IF`);
  }

  async #make() {
    const account = accountOf('mysql');
    const folders = [this.#folder, join(this.#folder, 'tmp')];
    for (const path of folders) mkdirSync(path, { mode: 0o755 });
    writeFileSync(
      this.#firstStatements,
      "CREATE DATABASE IF NOT EXISTS slurm;\nCREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'slurm';\nGRANT ALL ON slurm.* TO slurm@'127.0.0.1';\n",
      { mode: 0o644 },
    );
    const { uid, gid } = account;
    if (uid !== undefined && gid !== undefined) for (const path of folders) chownSync(path, uid, gid);
    const args = ['--skip-test-db', '--auth-root-authentication-method=normal', '--skip-name-resolve'];
    await run(program('mariadb-install-db'), [...this.#place, ...SETTINGS.slice(0, 5), ...args], {
      cwd: this.#folder,
      env: this.#env,
      ...account,
    });
  }

  #answers() {
    return this.#execute('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  /** @param {string} statement */
  #execute(statement) {
    const args = [
      '--no-defaults',
      '--host=127.0.0.1',
      `--port=${this.#port}`,
      '--user=slurm',
      '--password=slurm',
    ];
    return run(program('mariadb'), [...args, '--delimiter=//', `--execute=${statement}`, 'slurm'], {
      env: this.#env,
    });
  }

  get #place() {
    return [
      '--no-defaults',
      `--datadir=${join(this.#folder, 'data')}`,
      `--socket=${join(this.#folder, 'socket')}`,
      // A server that starts removes what it takes for left over; in the system's folder that may be another server's.
      `--tmpdir=${join(this.#folder, 'tmp')}`,
    ];
  }

  get #firstStatements() {
    return join(this.#folder, 'first.sql');
  }
}
