import type { Environment } from '../state-folder.js';

/** One thing that `metalab doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean | 'warn';
  readonly detail: string;
  /** How to mend it, where it is not ok. */
  readonly next?: string;
}

export interface Examination {
  readonly env: Environment;
  /** The store's folder; undefined: the store is no folder of this machine, or none was asked about. */
  readonly store: string | undefined;
  /** See readBuild; undefined where metalab is not built. */
  readonly build: string | undefined;
}

/** Looks at one thing, or at a few that belong together. What it throws becomes a check that is not ok. */
export interface Examiner {
  readonly name: string;
  examine(examination: Examination): Check | readonly Check[] | Promise<Check | readonly Check[]>;
}
