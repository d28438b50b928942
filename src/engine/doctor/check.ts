import type { Environment } from '../../access/own-folders.js';

/** The result of one check of `metalab doctor`. */
export interface Check {
  readonly name: string;
  readonly ok: boolean | 'warn';
  readonly detail: string;
  /** How to fix it, if it is not ok. */
  readonly next?: string;
}

export interface Examination {
  readonly env: Environment;
  /** The store's folder; undefined: the store is no folder on this machine, or none was given. */
  readonly store: string | undefined;
  /** See readBuild; undefined if metalab is not built. */
  readonly build: string | undefined;
}

/** Checks one thing, or a few that belong together. A thrown error becomes a check that is not ok. */
export interface Examiner {
  readonly name: string;
  examine(examination: Examination): Check | readonly Check[] | Promise<Check | readonly Check[]>;
}
