import { hasExperimentManifests, type Store } from '../storage/store.js';

/** Records count only if they are of this code and context; null: all. */
export interface Current {
  readonly code_fingerprint: string;
  readonly context_fingerprint: string;
}

export const isCurrent = (record: Current, current: Current): boolean =>
  record.code_fingerprint === current.code_fingerprint &&
  record.context_fingerprint === current.context_fingerprint;

/** Code and context of the latest manifest; null where there is none. */
export async function currentOf(store: Store, experimentId: string): Promise<Current | null> {
  const manifest = hasExperimentManifests(store) ? await store.readManifest(experimentId) : undefined;
  if (!manifest) return null;
  return {
    code_fingerprint: manifest.operation.code_fingerprint,
    context_fingerprint: manifest.context_fingerprint,
  };
}
