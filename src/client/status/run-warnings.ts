import { OWN_WARNING } from '../../definition/record.js';
import { readRecords } from '../../storage/file/formats/records.js';
import { openWorkingDirectory } from '../../storage/registry.js';
import type { RunHandle } from '../run-handle.js';

/** An operation's problems show in its first runs. */
const MAX_RECORDS = 100;

export interface RunWarnings {
  readonly runs: number;
  /** How many of them have each warning. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Reads metalab's own warnings in the records of a submission's first runs. */
export async function readRunWarnings({
  store: uri,
  experimentId,
  submission,
}: RunHandle): Promise<RunWarnings> {
  const store = await openWorkingDirectory(uri);
  const counts = new Map<string, number>();
  let runs = 0;
  for await (const { record } of readRecords(store.experimentFolder(experimentId), { submission })) {
    for (const warning of record.warnings)
      if (warning.startsWith(OWN_WARNING)) {
        const text = warning.slice(OWN_WARNING.length);
        counts.set(text, (counts.get(text) ?? 0) + 1);
      }
    if (++runs === MAX_RECORDS) break;
  }
  return { runs, counts };
}
