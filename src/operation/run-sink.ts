import type { ArtifactContent, LogLevel } from '../definition/record.js';

/**
 * What capture writes through: the run in progress, as the runner knows it. Whatever goes into the record itself
 * (metrics, tags, …) stays in the capture; only what is stored beside the record comes here.
 */
export interface RunSink {
  /** A point of a stepped metric. */
  series(name: string, step: number, value: number): void;
  /** @param json the value's JSON text */
  data(name: string, json: string): void;
  /** A line of the run's log. */
  log(level: LogLevel, message: string): void;
  /** Stores bytes under their content's hash. Throws if the store can't be written. */
  store(bytes: Uint8Array): ArtifactContent;
  /** Copies a file into the store, streaming. Throws the file's own error if it can't be read. */
  storeFile(path: string): ArtifactContent;
}
