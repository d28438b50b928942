import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FileStore } from '../storage/file/file-store.js';

const HEAP_MEGABYTES = 192;

/** What the process that indexes a store is told: an experiment in which something happens. */
export interface IndexRequest {
  readonly store: string;
  readonly experiment: string;
}

/** Keeps indexes in PostgreSQL a few seconds behind their stores' files. Never fails, and nothing waits for it. */
export interface Indexer {
  /** Something is about to be written to an experiment. Does nothing where the store has no index. */
  watch(store: FileStore, experimentId: string): void;
  close(): void;
}

/** @param log is called with what goes wrong */
export function createIndexer(log: (line: string) => void): Indexer {
  /** A process for each store, by its uri. */
  const processes = new Map<string, ChildProcess>();
  const start = (store: string): ChildProcess => {
    const program = fileURLToPath(new URL('./index-main.js', import.meta.url));
    const child = fork(program, [], {
      execArgv: [`--max-old-space-size=${HEAP_MEGABYTES}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    processes.set(store, child);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => log(text.trim()));
    child.once('error', (error) => log(error.message));
    child.once('exit', () => {
      if (processes.get(store) === child) processes.delete(store);
    });
    // The worker ends without it.
    child.unref();
    child.channel?.unref();
    return child;
  };
  return {
    watch(store, experiment) {
      if (!store.index) return;
      const child = processes.get(store.uri) ?? start(store.uri);
      child.send({ store: store.uri, experiment } satisfies IndexRequest, () => {});
    },
    close() {
      for (const child of processes.values()) child.kill('SIGKILL');
      processes.clear();
    },
  };
}
