import { promiseHooks } from 'node:v8';

let created = 0;

/**
 * Counts promises, so that only runs that created some wait for a turn of the event loop, in which unhandled rejections
 * are reported. A sync operation without promises costs nothing, and each promise 10 ns.
 */
export function countPromises(): void {
  promiseHooks.onInit(() => {
    created++;
  });
}

export const promisesCreated = () => created;

/** Passes every unhandled rejection, and every error thrown from a timer or event, to the listener. */
export function catchUnhandledErrors(
  listener: (thrown: unknown, kind: 'rejection' | 'exception') => void,
): void {
  process.on('unhandledRejection', (reason) => listener(reason, 'rejection'));
  process.on('uncaughtException', (error) => listener(error, 'exception'));
  // Node handles an error of a microtask outside the async context, so its run would be unknown.
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
