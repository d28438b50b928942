// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kill, processId, runs, signal } from './processes.mjs';

const READY_WITHIN_MS = 30_000;
const ENDS_WITHIN_MS = 10_000;

/**
 * @typedef {object} DaemonCommand
 * @property {string} program
 * @property {readonly string[]} args
 * @property {NodeJS.ProcessEnv} env all of it
 * @property {{ readonly uid?: number, readonly gid?: number }} [account] who it is to run as
 */

/** A server of a rig: it outlives whoever started it, and whoever has the rig's folder can end it. */
export class Daemon {
  #folder;
  #name;
  #command;

  /**
   * @param {string} folder the rig's
   * @param {string} name of its log and of its record
   * @param {DaemonCommand} command
   */
  constructor(folder, name, command) {
    this.#folder = folder;
    this.#name = name;
    this.#command = command;
  }

  get pid() {
    return this.#record?.pid ?? 0;
  }

  get runs() {
    return runs(this.#record);
  }

  /**
   * Starts it, where it does not run, and waits until it is of use.
   *
   * @param {() => boolean | Promise<boolean>} isReady
   */
  async start(isReady) {
    if (!this.runs) this.#launch();
    for (const end = Date.now() + READY_WITHIN_MS; !(await isReady()); await sleep(30))
      if (!this.runs || Date.now() > end)
        throw new Error(`${this.#name} did not start (${this.#command.program}):\n${this.#lastWords}`);
  }

  /** It starts nothing more, until it is ended. */
  suspend() {
    if (this.#record) signal(this.#record, 'SIGSTOP');
  }

  /** @param {NodeJS.Signals} [how] SIGKILL follows where it is not enough */
  async end(how = 'SIGTERM') {
    const record = this.#record;
    if (!record) return;
    signal(record, how);
    for (const end = Date.now() + ENDS_WITHIN_MS; runs(record) && Date.now() < end; ) await sleep(10);
    await kill([record]);
    rmSync(this.#recordFile, { force: true });
  }

  #launch() {
    const { program, args, env, account = {} } = this.#command;
    const log = openSync(this.#logFile, 'a');
    try {
      const options = { cwd: this.#folder, env, detached: true, ...account };
      const child = spawn(program, args, { ...options, stdio: ['ignore', log, log] });
      // Told by its record: it does not run.
      child.on('error', () => {});
      child.unref();
      const record = child.pid === undefined ? undefined : processId(child.pid);
      writeFileSync(this.#recordFile, JSON.stringify(record ?? null));
    } finally {
      closeSync(log);
    }
  }

  /** @returns {import('./processes.mjs').ProcessId | null} */
  get #record() {
    try {
      return JSON.parse(readFileSync(this.#recordFile, 'utf8'));
    } catch {
      return null;
    }
  }

  get #recordFile() {
    return join(this.#folder, 'pids', `${this.#name}.json`);
  }

  get #logFile() {
    return join(this.#folder, 'log', `${this.#name}.out`);
  }

  get #lastWords() {
    if (!existsSync(this.#logFile)) return '';
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  }
}
