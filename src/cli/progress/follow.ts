import { setTimeout as sleep } from 'node:timers/promises';
import type { RunHandle } from '../../client/run-handle.js';
import { type Looks, lookInterval } from '../../client/status/look-interval.js';
import type { SweepStatus } from '../../client/status/sweep-status.js';
import { InfrastructureError } from '../../definition/errors.js';
import type { SubmissionOutcome } from '../../storage/manifest.js';
import type { LiveArea } from '../terminal/live-area.js';
import { Rate } from './rate.js';
import { createProgressView } from './view.js';

/** How following ended: with the outcome, by Ctrl-C, or because the sweep waits or is paused. */
export type Followed =
  | { readonly how: 'outcome'; readonly outcome: SubmissionOutcome }
  | { readonly how: 'detached' }
  | { readonly how: 'idle'; readonly status: IdleStatus };

/** No further run starts, and no run is in progress. */
export type IdleStatus = SweepStatus & { readonly state: 'waiting' | 'paused' };

export interface FollowOptions {
  /** Aborts at Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly live: LiveArea;
  /** How long a sweep may wait before following ends. Default: it ends immediately. */
  readonly waitsMs?: number;
}

/** How often the status is asked for, and shown. An answer takes the worker and the server some 10 ms of processor time. */
const LOOKS: Looks = { share: 0.05, minMs: 200, maxMs: 1_000 };
/** Without a terminal, lines come seconds apart. */
const PLAIN_LOOKS: Looks = { ...LOOKS, minMs: 500 };
/** A sweep that ends sooner shows no progress at all. */
const SHOWN_AFTER_MS = 300;

/** Shows a submission's progress until it ends: live lines on a terminal, otherwise a plain line from time to time. */
export async function follow(
  handle: RunHandle,
  { interrupted, live, waitsMs = 0 }: FollowOptions,
): Promise<Followed> {
  const leaving = new AbortController();
  const ended = handle
    .outcome({ signal: leaving.signal })
    .then((outcome): Followed => ({ how: 'outcome', outcome }));
  const detached = new Promise<Followed>((resolve) => {
    if (interrupted.aborted) resolve({ how: 'detached' });
    interrupted.addEventListener('abort', () => resolve({ how: 'detached' }), { once: true });
  });
  // Rejects as `outcome()` does: every wait below races it, so that neither it nor Ctrl-C waits for a server.
  const finish = Promise.race([ended, detached]);
  const within = <T>(work: Promise<T>) => Promise.race([finish, work.then((value) => ({ value }))]);
  const view = createProgressView(live);
  const looks = live.isTerminal ? LOOKS : PLAIN_LOOKS;
  try {
    const early = await within(sleep(SHOWN_AFTER_MS));
    if ('how' in early) return early;
    const began = performance.now() - SHOWN_AFTER_MS;
    const rate = new Rate();
    const idleTime = new IdleTime(waitsMs);
    let asked: Promise<void> | undefined;
    let fresh: SweepStatus | undefined;
    let status: SweepStatus | undefined;
    for (let answeredAt = performance.now(); ; ) {
      // A server or worker that died answers late or never, so the display continues without waiting for it.
      asked ??= statusIfKnown(handle).then((answer) => {
        asked = undefined;
        fresh = answer;
      });
      const waited = await within(Promise.race([asked, sleep(looks.minMs)]));
      if ('how' in waited) return waited;
      const now = performance.now();
      if (fresh) {
        status = fresh;
        fresh = undefined;
        answeredAt = now;
        if (isIdle(status) && idleTime.isOverLimit(status, now)) return { how: 'idle', status };
        if (!isIdle(status)) idleTime.reset();
        rate.add(now, status.success + status.failed + status.cancelled - status.reused);
      }
      const silentMs = now - answeredAt;
      if (status) await view.show({ status, perSecond: rate.perSecond, elapsedMs: now - began, silentMs });
      const slept = await within(sleep(lookInterval(performance.now() - began, looks)));
      if ('how' in slept) return slept;
    }
  } finally {
    ended.catch(() => {});
    leaving.abort();
    view.clear();
  }
}

const isIdle = (status: SweepStatus): status is IdleStatus =>
  status.state === 'waiting' || (status.state === 'paused' && status.running === 0);

class IdleTime {
  readonly #limitMs: number;
  #since: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  reset(): void {
    this.#since = undefined;
  }

  isOverLimit({ state }: IdleStatus, now: number): boolean {
    this.#since ??= now;
    return state === 'paused' || now - this.#since >= this.#limitMs;
  }
}

/** While a dead server or worker is being replaced, the state is unknown: the sweep continues when it is back. */
async function statusIfKnown(handle: RunHandle): Promise<SweepStatus | undefined> {
  try {
    return await handle.status({ maxAge: LOOKS.minMs });
  } catch (error) {
    if (!(error instanceof InfrastructureError)) throw error;
    return undefined;
  }
}
