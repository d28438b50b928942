import { readdirSync, readFileSync } from 'node:fs';

const EVERY_MS = 100;

/** Peak resident memory of everything that runs under a METALAB_HOME, with its children, by kind. Linux only. */
export class PeakMemory {
  #home;
  #timer;
  /** Peak in MiB by kind. */
  peaks = {};

  constructor(home) {
    this.#home = `METALAB_HOME=${home}\0`;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#look();
    return this.peaks;
  }

  #look() {
    // This process was started before it chose its METALAB_HOME.
    const ours = new Set([process.pid]);
    // Children come after their parents: pids grow, but for the rare turn of the counter.
    for (const pid of readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b)) {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1');
        const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
        const isOurs =
          ours.has(pid) ||
          ours.has(parent) ||
          `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`.includes(this.#home);
        if (!isOurs) continue;
        ours.add(pid);
        const kind = kindOf(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
        const peak = Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
        if (kind) this.peaks[kind] = Math.max(this.peaks[kind] ?? 0, peak);
      } catch {
        // Gone in the meantime.
      }
    }
  }
}

const KINDS = [
  ['slot', /runner\.mjs/],
  ['evaluating child', /evaluate-main/],
  ['derive process', /derive-main/],
  ['compaction', /compact-main/],
  ['index process', /index-main/],
  ['index command', /metalab\.js\0store\0index/],
  ['derive command', /metalab\.js\0derive/],
  ['worker', /metalab\.js\0worker/],
  ['CLI', /metalab\.js\0submit/],
  ['client in a program', /bench\/main\.mjs/],
  ['Temporal server', /temporal.*\0(server|start)/],
];

const kindOf = (command) => KINDS.find(([, pattern]) => pattern.test(command))?.[0];
