// @ts-check
// Plain JavaScript: scripts/setup.mjs needs it before anything is built.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from './process-start.mjs';

/** A lock whose creator got no further than creating the folder is given up after this time; milliseconds. */
const UNOWNED_MS = 5_000;
/** For a process on another machine, only its signs of life show whether it is alive; milliseconds. */
const FOREIGN_MS = 60_000;
const SIGN_OF_LIFE_MS = 5_000;

/**
 * Runs an action while no other process holds the same lock. The lock is a folder that names its owner, so that a lock
 * left by a killed process is recognised and taken over. Not reentrant.
 *
 * @template T
 * @param {string} path the lock's folder; its parent is created if missing
 * @param {() => T | Promise<T>} action
 * @param {{ onWait?: (owner: string) => void }} [options] `onWait` is called once, if another process holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(path, action, { onWait } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waited = false; !tryAcquire(path); waited = true) {
    if (isStale(path)) takeOver(path);
    else {
      if (!waited) onWait?.(`pid ${readOwner(path)?.pid ?? 'unknown'}`);
      await sleep(50);
    }
  }
  const alive = setInterval(() => touch(path), SIGN_OF_LIFE_MS);
  try {
    return await action();
  } finally {
    clearInterval(alive);
    rmSync(path, { recursive: true, force: true });
  }
}

/** @param {string} path */
function tryAcquire(path) {
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  const owner = { pid: process.pid, start_time: processStart(process.pid), host: hostname() };
  writeFileSync(join(path, 'owner.json'), JSON.stringify(owner));
  return true;
}

/** @param {string} path */
function isStale(path) {
  const owner = readOwner(path);
  if (owner?.host === hostname()) return processStart(owner.pid) !== owner.start_time;
  if (owner) return ageOf(path) > FOREIGN_MS;
  return ageOf(path) > UNOWNED_MS;
}

/**
 * Removes a stale lock. If two processes saw the same one, the second must not remove the lock that the first created
 * afterwards.
 *
 * @param {string} path
 */
function takeOver(path) {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch {
    if (ageOf(guard) > UNOWNED_MS) rmSync(guard, { recursive: true, force: true });
    return;
  }
  try {
    if (isStale(path)) rmSync(path, { recursive: true, force: true });
  } finally {
    rmSync(guard, { recursive: true, force: true });
  }
}

/**
 * @param {string} path
 * @returns {{ pid: number, start_time: string, host: string } | undefined}
 */
function readOwner(path) {
  try {
    return JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Another process considered it stale.
  }
}

/**
 * Milliseconds since it was created or touched; 0 if it is gone.
 *
 * @param {string} path
 */
function ageOf(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** @param {unknown} error */
const codeOf = (error) => (error instanceof Error && 'code' in error ? error.code : undefined);
