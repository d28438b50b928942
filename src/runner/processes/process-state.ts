import type { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';

type Listener = (...args: unknown[]) => void;

/**
 * What an operation can change of its slot's process: working directory, umask, environment and the process's
 * listeners. It is restored for each run. Without changes this costs 10 ns, because the functions that change the state
 * are wrapped and nothing is compared.
 */
export class ProcessState {
  readonly #events = process as EventEmitter;
  readonly #umask = process.umask.bind(process);
  readonly #env: NodeJS.ProcessEnv;
  #changed = false;
  #start: {
    readonly cwd: string;
    readonly umask: number;
    readonly env: ReadonlyMap<string, string>;
    readonly listeners: ReadonlyMap<string | symbol, readonly Listener[]>;
  };

  /** Must be called before the user's modules are imported, because they keep the functions that they import. */
  constructor() {
    const change = () => {
      this.#changed = true;
    };
    const chdir = process.chdir.bind(process);
    process.chdir = (folder) => {
      change();
      chdir(folder);
    };
    process.umask = (mask?: string | number) => {
      if (mask === undefined) return this.#umask();
      change();
      return this.#umask(mask);
    };
    this.#env = new Proxy(process.env, {
      set(env, name, value) {
        change();
        return Reflect.set(env, name, value);
      },
      defineProperty(env, name, descriptor) {
        change();
        return Reflect.defineProperty(env, name, descriptor);
      },
      deleteProperty(env, name) {
        change();
        return Reflect.deleteProperty(env, name);
      },
    });
    process.env = this.#env;
    this.#events.on('newListener', change);
    this.#events.on('removeListener', change);
    syncBuiltinESMExports();
    this.#start = this.#read();
  }

  /** Called after the user's modules were imported: runs start with the present state. */
  remember(): void {
    this.#start = this.#read();
    this.#changed = false;
  }

  /** @throws the system's error if the working directory is gone: no run may start elsewhere */
  restore(): void {
    if (!this.#changed && process.env === this.#env) return;
    const { cwd, umask } = this.#start;
    process.chdir(cwd);
    this.#umask(umask);
    this.#restoreEnvironment();
    this.#restoreListeners();
    this.#changed = false;
  }

  #read() {
    return {
      cwd: process.cwd(),
      umask: this.#umask(),
      env: new Map(Object.entries(process.env) as [string, string][]),
      listeners: new Map(this.#events.eventNames().map((event) => [event, this.#listenersOf(event)])),
    };
  }

  #restoreEnvironment(): void {
    const { env } = this.#start;
    process.env = this.#env;
    for (const name of Object.keys(this.#env)) if (!env.has(name)) delete this.#env[name];
    for (const [name, value] of env) if (this.#env[name] !== value) this.#env[name] = value;
  }

  #restoreListeners(): void {
    const { listeners } = this.#start;
    for (const event of new Set([...this.#events.eventNames(), ...listeners.keys()])) {
      const before = listeners.get(event) ?? [];
      const now = this.#listenersOf(event);
      for (const listener of now)
        if (!before.includes(listener)) this.#events.removeListener(event, listener);
      for (const listener of before) if (!now.includes(listener)) this.#events.on(event, listener);
    }
  }

  /** Including the wrappers that `once` adds. */
  #listenersOf = (event: string | symbol) => this.#events.rawListeners(event) as Listener[];
}
