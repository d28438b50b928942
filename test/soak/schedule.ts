import { SeededRandom } from './random.js';

/**
 * What is done to a round. `slot`, `worker`, `server`, `cli`, `everything`: SIGKILL. `drain`: SIGTERM to a worker.
 * `freeze`: SIGSTOP of a worker past its heartbeat timeout, then SIGCONT.
 */
export type FaultKind = 'slot' | 'worker' | 'server' | 'cli' | 'everything' | 'drain' | 'freeze';

export interface Fault {
  readonly kind: FaultKind;
  /** Since the fault before it, the first since the round's begin. Milliseconds. */
  readonly after_ms: number;
  /** From 0 up to 1: which of several slots or workers. */
  readonly which: number;
  /** Whether it waits for slots at work. */
  readonly at_work: boolean;
  /** For `freeze`: whether its slots are stopped too, and for how long. */
  readonly slots_too: boolean;
  readonly frozen_ms: number;
}

export interface Schedule {
  readonly faults: readonly Fault[];
  /** Whether a second worker is there from the begin. */
  readonly second_worker: boolean;
  /** How long after its death the CLI is replaced, milliseconds; and whether by `attach` rather than `submit`. */
  readonly cli_gap_ms: number;
  readonly cli_attaches: boolean;
}

/** An activity's heartbeat times out after 20 s. */
const PAST_HEARTBEAT_MS = 21_000;

const WEIGHTS: readonly (readonly [FaultKind, number])[] = [
  ['slot', 5],
  ['worker', 3],
  ['server', 3],
  ['cli', 3],
  ['everything', 2],
  ['drain', 2],
  ['freeze', 1],
];

/** The faults of a round, by its seed. At most one of them freezes: it takes half a minute. */
export function scheduleOf(seed: number): Schedule {
  const random = new SeededRandom(seed);
  const faults: Fault[] = [];
  for (let count = random.between(2, 5); count > 0; count--) {
    const frozen = faults.some(({ kind }) => kind === 'freeze');
    faults.push({
      kind: random.pick(WEIGHTS.filter(([kind]) => !(frozen && kind === 'freeze'))),
      after_ms: random.between(50, faults.length === 0 ? 5_000 : 2_500),
      which: random.next(),
      at_work: random.chance(0.7),
      slots_too: random.chance(0.5),
      frozen_ms: random.between(PAST_HEARTBEAT_MS, PAST_HEARTBEAT_MS + 4_000),
    });
  }
  return {
    faults,
    second_worker: random.chance(0.3),
    cli_gap_ms: random.between(0, 1_500),
    cli_attaches: random.chance(0.5),
  };
}
