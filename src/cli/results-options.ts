import { wholeNumber } from './parse-options.js';
import { parseCondition, parseSort } from './parse-query.js';

/** Options of the commands that read results. */
export const WHERE_OPTION = {
  flags: '--where <condition>',
  description: 'only runs that match, e.g. opt=adam; may be repeated',
  repeatable: true,
  parse: parseCondition,
};

export const SORT_OPTION = {
  flags: '--sort <names>',
  description: 'sort by these columns; -name: descending',
  parse: parseSort,
};

export const ALL_OPTION = {
  flags: '--all',
  description: 'runs of older code, contexts, params and seeds too',
};

/** Of a table, where `--limit` says nothing else. */
export const DEFAULT_LIMIT = 50;

export const LIMIT_OPTION = {
  flags: '--limit <n>',
  description: `at most this many rows (default: ${DEFAULT_LIMIT} in a table, else all)`,
  parse: wholeNumber('--limit', 0, 1e9),
};

export const CSV_OPTIONS = [
  { flags: '--csv <file>', description: 'write CSV to a new file, or - for stdout' },
  { flags: '--force', description: 'with --csv: replace a file that is there' },
];
