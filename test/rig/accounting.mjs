// @ts-check
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon } from './daemon.mjs';
import { Database } from './database.mjs';
import { program } from './programs.mjs';
import { slurmdbdConf } from './slurm-conf.mjs';

/** slurmdbd and its database: users, accounts, QOS and their limits, and what sacct tells. */
export class Accounting {
  #settings;
  #ask;
  #database;
  #daemon;

  /**
   * @param {string} folder the rig's
   * @param {import('./settings.mjs').RigSettings} settings
   * @param {NodeJS.ProcessEnv} env
   * @param {(command: readonly string[]) => Promise<import('./run.mjs').Finished>} ask
   */
  constructor(folder, settings, env, ask) {
    this.#settings = settings;
    this.#ask = ask;
    this.#database = new Database(folder, settings.ports.database, env);
    this.#daemon = new Daemon(folder, 'slurmdbd', { program: program('slurmdbd'), args: ['-D'], env });
    const file = join(folder, 'slurmdbd.conf');
    // It has a password: slurmdbd refuses it where others may read it.
    if (!existsSync(file)) writeFileSync(file, slurmdbdConf(folder, settings), { mode: 0o600 });
  }

  async start() {
    await this.#database.start();
    await this.#daemon.start(
      async () => (await this.#ask(['sacctmgr', '-nP', 'list', 'cluster'])).code === 0,
    );
  }

  stop() {
    return this.#daemon.end();
  }

  /** The cluster, an account `lab` and the rig's user in it. Once. */
  async addCluster() {
    const { cluster, user } = this.#settings;
    await this.manage(['add', 'cluster', cluster]);
    await this.manage(['add', 'account', 'lab', 'Description=rig', 'Organization=rig', `Cluster=${cluster}`]);
    await this.manage(['add', 'user', user, 'Account=lab', 'DefaultAccount=lab', `Cluster=${cluster}`]);
    await this.#database.tellOutOfMemory(cluster);
  }

  /**
   * @param {readonly string[]} command of sacctmgr
   * @throws Error with what sacctmgr says
   */
  async manage(command) {
    const { code, stdout, stderr } = await this.#ask(['sacctmgr', '-i', ...command]);
    // To change what is so already is an error for it.
    if (code !== 0 && !/Nothing (new|modified)/i.test(stdout + stderr))
      throw new Error(`sacctmgr ${command.join(' ')}: ${stdout}${stderr}`);
  }
}
