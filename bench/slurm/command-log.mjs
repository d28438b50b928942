import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the gateway is asked to run: every command that comes to it leaves a line. */
export class CommandLog {
  #file;

  /** @param {string} folder the rig's */
  constructor(folder) {
    const login = join(folder, 'ssh', 'login');
    this.#file = join(folder, 'commands.log');
    const [shebang, ...lines] = readFileSync(login, 'utf8').split('\n');
    const note = `printf '%s\\n' "$SSH_ORIGINAL_COMMAND" | tr '\\n' ' ' >> '${this.#file}'; echo >> '${this.#file}'`;
    writeFileSync(login, [shebang, note, ...lines].join('\n'));
    appendFileSync(this.#file, '');
  }

  /** How many commands were run so far. */
  get count() {
    return this.#lines().length;
  }

  /** @returns those since there were so many */
  since(count) {
    return this.#lines().slice(count);
  }

  #lines() {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n').slice(0, -1) : [];
  }
}

/** Questions about jobs' states: what looks after Slurm's servers, however it is wrapped. */
export const isStatusQuery = (command) => /\b(0047)?(squeue|sacct|scontrol|sdiag|sinfo)\b/.test(command);
