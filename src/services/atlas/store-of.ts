import { UsageError } from '../../definition/errors.js';
import type { ServicePlace } from '../plugin.js';

/** @throws UsageError METALAB_SERVICE_STORE if there is none */
export function storeOf({ provided, store }: ServicePlace): string {
  const found = provided.find(({ kind }) => kind === 'store')?.value ?? store;
  if (found !== undefined && found !== 'discover') return found;
  throw noStore('a service that provides one, or a store that the environment names');
}

export const noStore = (expected: string) =>
  new UsageError({
    code: 'METALAB_SERVICE_STORE',
    where: 'services.atlas',
    what: 'there is no store that it could show',
    expected,
    next: 'add [services.postgres] to .metalab.toml, or store = "…" to the environment',
  });
