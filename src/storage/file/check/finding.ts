/**
 * `error`: something is lost or wrong until it is mended. `warning`: nothing is lost, but something is in the way or
 * left over. `note`: a trace of what happened, which costs nothing and needs nothing.
 */
export type Severity = 'error' | 'warning' | 'note';

/** What can be done about a finding without losing anything. */
export interface Repair {
  /** @returns what was done, as a sentence without its full stop */
  run(): Promise<string>;
}

/** One thing that a check of a store came upon. */
export interface Finding {
  readonly severity: Severity;
  /** Stable, e.g. `segment-damaged`. */
  readonly kind: string;
  readonly path: string;
  /** Byte offset in that file. */
  readonly offset?: number;
  readonly what: string;
  readonly costs: string;
  /** What makes it good. */
  readonly remedy: string;
  readonly repair?: Repair;
}

/** How much was looked at. */
export interface Checked {
  experiments: number;
  submissions: number;
  segments: number;
  records: number;
  artifacts: number;
  bytes: number;
}

export interface CheckOptions {
  /** Leave out what reads every byte: artifacts' hashes, and the inside of records. */
  readonly quick: boolean;
  /** Nobody else writes to the store: every temporary file is a leftover. */
  readonly alone: boolean;
  /** For manifests that are rewritten. */
  readonly metalabVersion: string;
}

/** What the parts of a check share, for one experiment. */
export interface Check {
  readonly experimentId: string;
  readonly folder: string;
  readonly options: CheckOptions;
  readonly checked: Checked;
}
