import { Context } from '@temporalio/activity';

const EVERY_MS = 2_000;
/** A worker that was stopped, or slept, for this long may have been taken for dead, and its chunks given to another. */
const ASLEEP_MS = 10_000;

export interface Pulse {
  /** Whether this process has been stopped until now, or slept: what it has not begun may be another worker's. */
  wasAsleep(): boolean;
}

/** Sends heartbeats during the work, so that the death of this worker is noticed and cancellation reaches it. */
export async function keepBeating<T>(
  work: (pulse: Pulse) => Promise<T>,
  details: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  let beatAt = Date.now();
  let slept = false;
  const wasAsleep = () => {
    slept ||= Date.now() - beatAt > ASLEEP_MS;
    return slept;
  };
  const timer = setInterval(() => {
    wasAsleep();
    beatAt = Date.now();
    context.heartbeat(details());
  }, EVERY_MS);
  try {
    return await work({ wasAsleep });
  } finally {
    clearInterval(timer);
  }
}
