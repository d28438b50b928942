import type { ErrorDescription } from '../definition/errors.js';
import type { ChunkReport, LostRun } from '../runner/protocol/protocol.js';

/** The report of a failure before anything was executed. */
export const NOTHING_DONE: ChunkReport = {
  next: 0,
  success: 0,
  failed: 0,
  cancelled: 0,
  busy_ms: 0,
  means: {},
};

/** Thrown when the executor failed, not a run: the store can't be written, or slots can't start or import. */
export class ExecutionFault extends Error {
  override readonly name = 'ExecutionFault';
  /**
   * The system's code if writing to the store failed (`ENOSPC`, `EROFS`, …), else `IMPORT` (the operation's modules),
   * `FILES` (the submission's files are missing, damaged, or can't be read), `SLOT_START` (a slot can't be started),
   * `CLOSED` (the executor was closed), `MEMORY` (see `spare_memory`), `SET_UP` (the set-up command failed everywhere
   * it was tried) or `SLOT_CRASH` (slots die with no run in progress).
   */
  readonly code: string;
  /** What was recorded before the failure; those runs are done. */
  readonly report: ChunkReport;
  readonly error: ErrorDescription;
  /** Runs that were in progress at the failure. They have no record. */
  readonly cut: readonly LostRun[];

  constructor(code: string, error: ErrorDescription, report: ChunkReport, cut: readonly LostRun[] = []) {
    super(error.message);
    this.code = code;
    this.error = error;
    this.report = report;
    this.cut = cut;
  }
}
