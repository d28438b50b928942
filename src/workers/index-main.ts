import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { sshEnvironment } from '../engine/worker/ssh-environment.js';
import { reachServices } from '../services/reach-service.js';
import { indexStore } from '../storage/postgresql/index-store.js';
import { provideReach } from '../storage/postgresql/reach.js';
import { openWorkingDirectory } from '../storage/registry.js';
import type { IndexRequest } from './indexer.js';

/**
 * The program of the child that indexes a store beside its sweeps. It is told the experiments in which something happens, and
 * ends with its parent, or when nothing has happened for a while.
 */
const EVERY_MS = 1000;
/** After a failure it waits longer each time. */
const MAX_WAIT_MS = 15_000;
/** How long an experiment is looked at after it was named or had anything new: slots may still be writing. */
const WATCHED_MS = 60_000;
/** Runs come first. */
const PRIORITY = 15;

setPriority(PRIORITY);
// It connects every second: a login each time would be a burden.
provideReach(reachServices({ keep: true, env: sshEnvironment }));
// By force: an unfinished transaction is undone.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

/** Until when each experiment is looked at. */
const watched = new Map<string, number>();
let isWorking = false;

process.on('message', ({ store, experiment }: IndexRequest) => {
  watched.set(experiment, performance.now() + WATCHED_MS);
  if (isWorking) return;
  isWorking = true;
  void work(store);
});

async function work(uri: string): Promise<void> {
  let wait = EVERY_MS;
  let told = '';
  while (watched.size > 0) {
    try {
      const store = await openWorkingDirectory(uri);
      for (const indexed of store.index ? await indexStore(store, store.index, [...watched.keys()]) : []) {
        if (indexed.bytes > 0) watched.set(indexed.experiment_id, performance.now() + WATCHED_MS);
        else if (performance.now() > watched.get(indexed.experiment_id)!)
          watched.delete(indexed.experiment_id);
      }
      wait = EVERY_MS;
      told = '';
    } catch (error) {
      const message = (error as Error).message.split('\n', 1)[0]!;
      if (message !== told)
        process.stderr.write(`${new Date().toISOString()} WARN the index lags: ${message}\n`);
      told = message;
      wait = Math.min(wait * 2, MAX_WAIT_MS);
    }
    await sleep(wait);
  }
  process.exit(0);
}
