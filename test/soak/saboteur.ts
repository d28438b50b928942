import { setTimeout as sleep } from 'node:timers/promises';
import type { Follower } from './follower.js';
import { isAlive, isSlot, isWorker, type MarkedProcesses, type SeenProcess, send } from './processes.js';
import type { Fault } from './schedule.js';
import type { SoakServer } from './server.js';

/** A fault that finds nothing to hit waits so long for it: a worker that was killed takes some seconds to be replaced. */
const PATIENCE_MS = 30_000;
/** A slot's watchdog looks every 0.5 s; the machine may be busy. */
const OUTLIVES_MS = 5_000;

export interface Stage {
  readonly processes: MarkedProcesses;
  readonly server: SoakServer;
  readonly follower: Follower;
  /** Brings up a further worker, unless one is there. */
  readonly secondWorker: () => Promise<void>;
}

/** Carries faults out, and counts what they may cost. */
export class Saboteur {
  /** SIGKILLs, SIGTERMs and SIGSTOPs that hit something. */
  readonly done: string[] = [];
  /** Slots that were killed, stopped, or cut off from their server: each may have had a run in progress. */
  slotsHit = 0;
  readonly complaints: string[] = [];
  readonly #stage: Stage;
  readonly #pending: Promise<void>[] = [];
  /** Settles when nothing is stopped any more. */
  #thaw: Promise<unknown> = Promise.resolve();
  readonly #over = new AbortController();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async carryOut(faults: readonly Fault[]): Promise<void> {
    for (const fault of faults) {
      await this.#wait(fault.after_ms);
      await this.#hitSomething(fault);
      if (this.#over.signal.aborted) return;
    }
  }

  /** Nothing more is hit, what is stopped goes on, and what was to die is dead. */
  async finish(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#pending);
  }

  async #hitSomething(fault: Fault): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!this.#over.signal.aborted && performance.now() < end) {
      if (await this.#hit(fault)) {
        this.done.push(fault.kind);
        return;
      }
      await this.#wait(50);
    }
  }

  /** @returns whether it met something */
  async #hit(fault: Fault): Promise<boolean> {
    const { server, follower, processes } = this.#stage;
    const slots = processes.look().filter(isSlot);
    if (fault.at_work && slots.length === 0) return false;
    switch (fault.kind) {
      case 'slot':
        return this.#killOne(slots, fault.which);
      case 'worker': {
        const worker = this.#pickWorker(fault);
        return worker !== undefined && this.#killWorker(worker);
      }
      case 'server':
        // An outage longer than their heartbeats' timeout gives its slots' ranges to others.
        if (!(await server.kill())) return false;
        this.slotsHit += slots.length;
        this.#restart();
        return true;
      case 'cli':
        return follower.kill();
      case 'everything':
        return this.#killEverything();
      case 'drain': {
        const worker = this.#pickWorker(fault);
        return worker !== undefined && send(worker.pid, 'SIGTERM');
      }
      case 'freeze':
        return this.#freeze(fault);
    }
  }

  #killOne(slots: readonly SeenProcess[], which: number): boolean {
    const slot = slots[Math.floor(which * slots.length)];
    if (!slot || !send(slot.pid, 'SIGKILL')) return false;
    this.slotsHit++;
    return true;
  }

  #killWorker(worker: SeenProcess): boolean {
    const slots = this.#slotsOf(worker);
    if (!send(worker.pid, 'SIGKILL')) return false;
    this.slotsHit += slots.length;
    // Stopped processes end when they are continued.
    this.#pending.push(this.#thaw.then(() => this.#mustEnd(slots)));
    return true;
  }

  async #killEverything(): Promise<boolean> {
    const { server, follower, processes } = this.#stage;
    const victims = processes.look().filter((process) => isSlot(process) || isWorker(process));
    const slots = victims.filter(isSlot);
    for (const { pid } of victims) send(pid, 'SIGKILL');
    const killed = [follower.kill(), await server.kill(), victims.length > 0];
    this.slotsHit += slots.length;
    this.#restart();
    return killed.some(Boolean);
  }

  /** SIGSTOP past the heartbeat's timeout: its ranges are another's when it goes on. */
  async #freeze(fault: Fault): Promise<boolean> {
    const { slots_too, frozen_ms } = fault;
    await this.#stage.secondWorker();
    const worker = this.#pickWorker(fault);
    if (!worker) return false;
    const slots = this.#slotsOf(worker);
    const stopped = [worker, ...(slots_too ? slots : [])];
    for (const { pid } of stopped) send(pid, 'SIGSTOP');
    this.slotsHit += slots.length;
    const thaw = this.#wait(frozen_ms).then(() => {
      for (const process of stopped) if (isAlive(process)) send(process.pid, 'SIGCONT');
    });
    this.#thaw = Promise.all([this.#thaw, thaw]);
    this.#pending.push(thaw);
    return true;
  }

  async #mustEnd(slots: readonly SeenProcess[]): Promise<void> {
    for (const end = performance.now() + OUTLIVES_MS; performance.now() < end; await sleep(50)) {
      if (!slots.some(isAlive)) return;
    }
    for (const { pid } of slots.filter(isAlive)) this.complaints.push(`slot ${pid} outlived its worker`);
  }

  #restart(): void {
    this.#pending.push(
      this.#stage.server.restart().catch((error: unknown) => {
        this.complaints.push(`the server did not come back: ${error}`);
      }),
    );
  }

  #pickWorker({ which, at_work }: Fault): SeenProcess | undefined {
    const processes = this.#stage.processes.look();
    const busy = new Set(processes.filter(isSlot).map(({ parent }) => parent));
    const workers = processes.filter((process) => isWorker(process) && (!at_work || busy.has(process.pid)));
    return workers[Math.floor(which * workers.length)];
  }

  #slotsOf(worker: SeenProcess): readonly SeenProcess[] {
    return this.#stage.processes.look().filter((process) => isSlot(process) && process.parent === worker.pid);
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#over.signal }).catch(() => {});
  }
}
