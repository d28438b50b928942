// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} ServerCommand
 * @property {string} command
 * @property {string[]} args
 * @property {string} folder where it is started
 * @property {string} logFile gets what it writes; appended to
 * @property {{ readonly uid?: number, readonly gid?: number }} [user] who it is to run as
 */

/** A server as a child process: killed as a machine that fails would, and waited for. */
export class ServerProcess {
  /** @type {import('node:child_process').ChildProcess} */
  #child;
  /** @type {Promise<void>} */
  #ended;
  /** @type {string} */
  #logFile;

  /** @param {ServerCommand} command */
  constructor({ command, args, folder, logFile, user = {} }) {
    const log = openSync(logFile, 'a');
    try {
      this.#child = spawn(command, args, { cwd: folder, stdio: ['ignore', log, log], ...user });
    } finally {
      closeSync(log);
    }
    this.#logFile = logFile;
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  get runs() {
    return this.pid > 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Sends a signal and waits for its end; SIGKILL where that takes longer than 10 s.
   *
   * @param {NodeJS.Signals} signal
   */
  async end(signal) {
    if (!this.runs) return;
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.#ended;
    clearTimeout(late);
  }

  /** The end of its log, for errors. */
  get lastWords() {
    if (!existsSync(this.#logFile)) return '';
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  }
}
