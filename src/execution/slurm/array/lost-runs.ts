import { hostname } from 'node:os';
import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import { describeError } from '../../../definition/errors.js';
import type { JsonObject } from '../../../definition/json.js';
import { type Cell, Cells } from '../../../identity/cells.js';
import type { LostRun } from '../../../runner/protocol/protocol.js';
import { faultCode } from '../../../storage/file/faults.js';
import { readEntries } from '../../../storage/file/formats/plan-entries.js';
import { RecordLines } from '../../../storage/file/formats/record-line.js';
import { newWriterName, SegmentWriter } from '../../../storage/file/formats/segment-writer.js';
import { logLine } from '../../../storage/file/formats/sidecars.js';
import { declarationFile, segmentName, segmentsFolder } from '../../../storage/file/layout.js';
import { readSubmissionJson, readSubmissionPlan } from '../../../storage/file/submission-file.js';
import type { BatchRequest } from '../../batch-executor.js';
import { ExecutionFault, NOTHING_DONE } from '../../execution-fault.js';

/** A run that the cluster ended. Its output is the end of what Slurm kept of its task's. */
export interface EndedRun extends LostRun {
  /** What its record's provenance says of where it was lost. */
  readonly provenance: JsonObject;
}

/**
 * Records runs as failed that the cluster ended, in segments of their own in the store.
 *
 * @throws ExecutionFault with the system's code if the store can't be written
 */
export async function recordLost(
  order: Pick<BatchRequest, 'folder' | 'submission' | 'declaration'>,
  lost: readonly EndedRun[],
  provenance: JsonObject,
): Promise<void> {
  const { folder, submission, declaration: sha } = order;
  const declaration = await readSubmissionJson<ExperimentDeclaration>(declarationFile(folder, sha), sha);
  const entries = readEntries(folder, await readSubmissionPlan(folder, submission));
  const cells = new Cells(declaration);
  const writer = newWriterName();
  const lines = new RecordLines(declaration, {
    host: hostname(),
    slot: writer,
    node: process.versions.node,
    ...provenance,
  });
  const segments = segmentsFolder(folder, submission);
  const logs = new SegmentWriter(segments, segmentName('logs', writer));
  const records = new SegmentWriter(segments, segmentName('records', writer));
  for (const run of [...lost].sort((a, b) => a.position - b.position)) {
    const slice = await entries.slice(run.position, run.position + 1);
    const cell = cells.at(slice.cellAt(run.position), run.position, slice.generationAt(run.position));
    for (const line of logLines(cell, run)) logs.append(line);
    records.append(lines.line(cell, outcomeOf(run)));
  }
  try {
    // A record must not count whose log could not be written.
    for (const segment of [logs, records]) {
      segment.flush();
      segment.sync();
    }
  } catch (error) {
    throw new ExecutionFault(faultCode(error) ?? 'STORE', describeError(error), NOTHING_DONE);
  } finally {
    logs.close();
    records.close();
  }
}

const outcomeOf = ({ attempt, started_at, duration_ms, error, provenance }: EndedRun) => {
  const startedAt = Date.parse(started_at);
  return {
    status: 'failed' as const,
    attempt,
    startedAt,
    finishedAt: startedAt + Math.round(duration_ms),
    durationMs: duration_ms,
    error,
    capture: undefined,
    provenance,
  };
};

/** A line that was written over by carriage returns, as progress bars do, is its last state. */
function logLines(cell: Cell, { attempt, output }: EndedRun): string[] {
  const now = Date.now();
  return output
    .split('\n')
    .map((line) => line.replace(/\r+$/, '').replace(/^.*\r/s, ''))
    .filter((line) => line !== '')
    .map((line) => logLine(cell, attempt, now, 'stderr', line));
}
