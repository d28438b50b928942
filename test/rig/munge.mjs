// @ts-check
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountOf } from './accounts.mjs';
import { Daemon } from './daemon.mjs';
import { program } from './programs.mjs';
import { mungeSocket } from './slurm-conf.mjs';

/** Who is who, among the rig's daemons and programs: a key and a socket of its own. */
export class Munge {
  #folder;
  #socket;
  #daemon;

  /** @param {string} folder the rig's @param {NodeJS.ProcessEnv} env */
  constructor(folder, env) {
    this.#folder = join(folder, 'munge');
    this.#socket = mungeSocket(folder);
    const files = ['key-file', 'pid-file', 'seed-file', 'log-file'].map(
      (name) => `--${name}=${join(this.#folder, name.replace('-file', ''))}`,
    );
    this.#daemon = new Daemon(folder, 'munged', {
      program: program('munged'),
      args: ['--foreground', `--socket=${this.#socket}`, ...files],
      env,
      account: accountOf('munge'),
    });
  }

  async start() {
    if (!existsSync(this.#folder)) this.#makeKey();
    await this.#daemon.start(() => existsSync(this.#socket));
  }

  #makeKey() {
    mkdirSync(this.#folder, { mode: 0o755 });
    const key = join(this.#folder, 'key');
    writeFileSync(key, randomBytes(1024), { mode: 0o400 });
    const { uid, gid } = accountOf('munge');
    if (uid === undefined || gid === undefined) return;
    for (const path of [this.#folder, key]) chownSync(path, uid, gid);
  }
}
