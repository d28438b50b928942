import { UsageError } from '../../definition/errors.js';
import { listNames } from '../../definition/printable.js';
import type { RunRecord } from '../../definition/record.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { CommandContext } from '../command.js';
import { writeOutput } from './write-output.js';

/**
 * Writes one artifact of a run to a file, or to stdout for `-`.
 *
 * @throws UsageError if the run has no artifact of that name, or the file can't be written
 */
export async function writeArtifact(
  store: FileStore,
  record: RunRecord,
  name: string,
  output: string,
  context: CommandContext,
): Promise<void> {
  const artifact = record.artifacts.find((candidate) => candidate.name === name);
  if (!artifact) {
    const names = record.artifacts.map((candidate) => candidate.name);
    throw new UsageError({
      code: 'METALAB_UNKNOWN_ARTIFACT',
      what: `run ${record.run_id} has no artifact '${name}'`,
      expected: names.length > 0 ? `one of: ${listNames(names)}` : 'nothing: the run saved none',
    });
  }
  const [{ bringArtifact }, { createTerminalPrompter }] = await Promise.all([
    import('../../client/cluster/bring-artifact.js'),
    import('../terminal/terminal-prompter.js'),
  ]);
  await bringArtifact(store, record, artifact, {
    prompter: createTerminalPrompter(),
    say: (line) => context.note(line),
  });
  const bytes = await store.openArtifact(record.experiment_id, artifact);
  // Closes the artifact's file also if nothing was read.
  await writeOutput(bytes, { target: output, option: '--output', force: true }, context).finally(() =>
    bytes.destroy(),
  );
}
