import { readObjects, type SegmentObject } from './segments.js';

/** Which lines of the sidecars belong together: of a run, of one of its generations, or of one attempt. */
export interface RunAttempt {
  readonly run_id: string;
  readonly generation?: number;
  readonly attempt?: number;
}

/** What every line of a sidecar has. */
export type AttemptKey = Required<RunAttempt>;

/** A segment's lines of a run or attempt, in the order they were written. */
export async function* readAttempt<T extends AttemptKey>(
  path: string,
  run: RunAttempt,
  from = 0,
): AsyncGenerator<SegmentObject<T>, void> {
  for await (const line of readObjects<T>(path, { matching: run.run_id, from })) {
    const { run_id, generation, attempt } = line.object;
    if (
      run_id === run.run_id &&
      (run.generation === undefined || generation === run.generation) &&
      (run.attempt === undefined || attempt === run.attempt)
    ) {
      yield line;
    }
  }
}
