import { promiseHooks } from 'node:v8';

let created = 0;

/**
 * Counts promises, so that only runs that made some wait for a turn of the event loop, in which a stray rejection
 * shows: a sync operation without promises costs nothing, and each promise 10 ns.
 */
export function countPromises(): void {
  promiseHooks.onInit(() => {
    created++;
  });
}

export const promisesCreated = () => created;

/** Gives every rejection that nobody awaits, and every error thrown from a timer or event, to the listener. */
export function catchUnhandledErrors(
  listener: (thrown: unknown, kind: 'rejection' | 'exception') => void,
): void {
  process.on('unhandledRejection', (reason) => listener(reason, 'rejection'));
  process.on('uncaughtException', (error) => listener(error, 'exception'));
  // Node's own handling of what a microtask throws has left the async context: nobody would know whose it is.
  const { queueMicrotask } = globalThis;
  globalThis.queueMicrotask = (callback) => {
    if (typeof callback !== 'function') return queueMicrotask(callback);
    queueMicrotask(() => {
      try {
        callback();
      } catch (error) {
        listener(error, 'exception');
      }
    });
  };
}
