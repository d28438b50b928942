import { setTimeout as sleep } from 'node:timers/promises';
import type { RunHandle } from '../../client/handle.js';
import type { SweepStatus } from '../../client/sweep-status.js';
import { InfrastructureError } from '../../definition/errors.js';
import type { SubmissionOutcome } from '../../storage/manifest.js';
import { colorsFor } from '../context.js';
import { type ProgressView, progressLines, progressText } from './lines.js';
import { Rate } from './rate.js';

/** How a follow ended: with the outcome, by Ctrl-C, or because the sweep waits for something or somebody. */
export type Followed =
  | { readonly how: 'outcome'; readonly outcome: SubmissionOutcome }
  | { readonly how: 'detached' }
  | { readonly how: 'standing'; readonly status: StandingStatus };

/** Nothing more starts, and all that ran has ended. */
export type StandingStatus = SweepStatus & { readonly state: 'waiting' | 'paused' };

const REDRAW_MS = 200;
/** A sweep that is done sooner shows no bar at all. */
const PATIENCE_MS = 300;
const PLAIN_EVERY_MS = 10_000;

/** Shows a submission's progress on stderr until it ends: a live bar on a terminal, a plain line now and then elsewhere. */
export async function follow(handle: RunHandle, interrupted: AbortSignal): Promise<Followed> {
  const leaving = new AbortController();
  const ended = handle
    .result({ signal: leaving.signal })
    .then((outcome): Followed => ({ how: 'outcome', outcome }));
  const detached = new Promise<Followed>((resolve) => {
    interrupted.addEventListener('abort', () => resolve({ how: 'detached' }), { once: true });
  });
  const display = process.stderr.isTTY ? await liveDisplay() : plainDisplay();
  let over: Followed | undefined;
  const finish = Promise.race([ended, detached]).then((followed) => {
    over = followed;
    return followed;
  });
  try {
    await Promise.race([finish, sleep(PATIENCE_MS)]);
    const began = performance.now();
    for (const rate = new Rate(); !over; ) {
      const status = await statusIfKnown(handle);
      if (!status) continue;
      if (isStanding(status)) return { how: 'standing', status };
      rate.add(performance.now(), status.success + status.failed + status.cancelled - status.reused);
      if (!over)
        display.show({
          status,
          perSecond: rate.perSecond,
          elapsedMs: performance.now() - began + PATIENCE_MS,
        });
      await Promise.race([finish, sleep(REDRAW_MS)]);
    }
    return over;
  } finally {
    ended.catch(() => {});
    leaving.abort();
    display.clear();
  }
}

const isStanding = (status: SweepStatus): status is StandingStatus =>
  status.state === 'waiting' || (status.state === 'paused' && status.running === 0);

/** While a server or worker that died is being replaced, nobody knows: the sweep goes on as soon as it is there. */
async function statusIfKnown(handle: RunHandle): Promise<SweepStatus | undefined> {
  try {
    return await handle.status();
  } catch (error) {
    if (!(error instanceof InfrastructureError)) throw error;
    await sleep(REDRAW_MS);
    return undefined;
  }
}

interface Display {
  show(view: ProgressView): void;
  clear(): void;
}

async function liveDisplay(): Promise<Display> {
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(process.stderr);
  const color = colorsFor(process.stderr, process.env);
  return {
    show: (view) => update(progressLines(view, color, process.stderr.columns ?? 80).join('\n')),
    clear: () => {
      update.clear();
      update.done();
    },
  };
}

function plainDisplay(): Display {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(view) {
      if (performance.now() - shownAt < PLAIN_EVERY_MS || view.elapsedMs < 2_000) return;
      shownAt = performance.now();
      process.stderr.write(`${progressText(view)}\n`);
    },
    clear() {},
  };
}
