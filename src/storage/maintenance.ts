import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { hasLeasing, LEASE_RENEWED_MS } from './lease.js';
import type { Store } from './store.js';

/**
 * Does what nobody may write to the store meanwhile, under its lease.
 *
 * @param command what has the store, for whoever is refused meanwhile
 * @throws StoreError METALAB_STORE_HELD where an engine uses the store
 */
export async function withMaintenanceLease<T>(
  store: Store,
  command: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!hasLeasing(store)) return work();
  const id = randomUUID();
  const holder = { engine: id, address: command, namespace: '', host: hostname(), worker: id };
  await store.takeLease(holder, { wait: true });
  const timer = setInterval(() => void store.takeLease(holder).catch(() => {}), LEASE_RENEWED_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await store.releaseLease(holder);
  }
}
