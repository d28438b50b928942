import type { RunHandle } from '../../client/run-handle.js';
import { OWN_WARNING } from '../../definition/record.js';
import { readRecords } from '../../storage/file/records.js';
import { openStore } from '../../storage/registry.js';
import { hasWorkingDirectory } from '../../storage/store.js';
import type { CommandContext } from '../command.js';

/** An operation's problems show in its first runs. */
const MAX_RECORDS = 100;

/** Shows metalab's warnings in the records of a submission's first runs, each warning once. */
export async function tellRunWarnings(
  { store: uri, experimentId, submission }: RunHandle,
  { note, color }: CommandContext,
): Promise<void> {
  const store = await openStore(uri);
  try {
    if (!hasWorkingDirectory(store)) return;
    const counts = new Map<string, number>();
    let runs = 0;
    for await (const { record } of readRecords(store.experimentFolder(experimentId), { submission })) {
      for (const warning of record.warnings)
        if (warning.startsWith(OWN_WARNING)) counts.set(warning, (counts.get(warning) ?? 0) + 1);
      if (++runs === MAX_RECORDS) break;
    }
    for (const [warning, n] of [...counts].slice(0, 3))
      note(`${color.yellow('warning:')} ${n} of ${runs} runs: ${warning.slice(OWN_WARNING.length)}`);
  } finally {
    await store.close();
  }
}
