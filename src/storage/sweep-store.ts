import { StoreError } from '../definition/errors.js';
import {
  type ExperimentManifests,
  hasExperimentManifests,
  hasWorkingDirectory,
  type Store,
  type WorkingDirectory,
} from './store.js';

/** What a store must be able to do for sweeps to run on it. */
export type SweepStore = Store & WorkingDirectory & ExperimentManifests;

/** @throws StoreError where sweeps can't run on the store */
export function asSweepStore(store: Store): SweepStore {
  if (hasWorkingDirectory(store) && hasExperimentManifests(store)) return store;
  throw new StoreError({
    code: 'METALAB_STORE_CAPABILITY',
    where: store.uri,
    what: 'sweeps cannot run on this store: it has no folders that slots can write to, or keeps no submissions',
    next: 'name a file store with --store',
  });
}
