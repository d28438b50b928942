import { Context } from '@temporalio/activity';

const EVERY_MS = 2_000;

/** Sends heartbeats during the work, so that the death of this worker is noticed and cancellation reaches it. */
export async function keepBeating<T>(
  work: () => Promise<T>,
  details: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(details()), EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
