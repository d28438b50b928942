import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isReady } from '../services/local/readiness.js';
import type { LocalFragment } from '../services/plugin.js';

const READY_MS = 60_000;

/** A service's process that a test starts as its plan says. */
export class ServiceProcess {
  readonly #fragment: LocalFragment;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(fragment: LocalFragment, child: ChildProcess) {
    this.#fragment = fragment;
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  /** Writes its files, and starts it. */
  static start(fragment: LocalFragment): ServiceProcess {
    for (const [path, text] of Object.entries(fragment.files)) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, text, { mode: 0o600 });
    }
    const [command = '', ...args] = fragment.command;
    const log = openSync(fragment.log, 'a', 0o600);
    const child = spawn(command, args, {
      env: { ...process.env, ...fragment.env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    return new ServiceProcess(fragment, child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get runs(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All that it has printed, also in earlier lives. */
  get log(): string {
    return readFileSync(this.#fragment.log, 'utf8');
  }

  /** @throws Error with the log if it ends before */
  async ready(): Promise<this> {
    for (const end = Date.now() + READY_MS; this.runs && Date.now() < end; await sleep(20))
      if (await isReady(this.#fragment.readiness)) return this;
    throw new Error(`the service is not ready: ${this.runs ? 'it still runs' : 'it has ended'}\n${this.log}`);
  }

  /** Resolves when it has ended by itself. */
  async end(): Promise<void> {
    await this.#ended;
  }

  kill(): Promise<void> {
    return this.#signal('SIGKILL');
  }

  /** Ends it as its plan says. @returns whether SIGKILL was needed */
  async stop(): Promise<boolean> {
    const { signal, timeout_ms } = this.#fragment.stop;
    if (this.runs) this.#child.kill(signal);
    const timer = new AbortController();
    const isLate = await Promise.race([
      this.#ended.then(() => false),
      sleep(timeout_ms, true, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (isLate) await this.kill();
    return isLate;
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    if (this.runs) this.#child.kill(signal);
    await this.#ended;
  }
}
