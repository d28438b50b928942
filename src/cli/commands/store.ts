import type { CommandDefinition, CommonOptions } from '../command.js';
import { compactCommand } from './store/compact.js';
import { trustCommand } from './store/trust.js';

interface CheckFlags extends CommonOptions {
  readonly repair?: boolean;
  readonly quick?: boolean;
}

const check: CommandDefinition<CheckFlags> = {
  name: 'check',
  summary: 'find damaged, missing and left-over files, and say how to fix them',
  description: `Reads the whole store: manifests, declarations, bundles, plans, every line of every segment, artifacts. --repair takes
damaged lines out of segments, moves what is damaged to quarantine/, writes a lost experiment.json anew, and removes
temporary files; nothing that holds data is deleted. Runs whose records are damaged are done again by the next submit.

Exit codes: 0 nothing is wrong; 1 something is (after --repair: still); 3 the store is in use (--repair only).`,
  options: [
    { flags: '--repair', description: 'mend what can be mended without losing anything' },
    { flags: '--quick', description: 'read no artifacts, and only the beginning of each record' },
  ],
  examples: [
    { line: 'store check', does: 'check everything, change nothing' },
    { line: 'store check --repair', does: 'and repair it' },
    { line: "store check --json | jq '.findings[].path'", does: 'the files that something is wrong with' },
  ],
  store: true,
  json: true,
  async run(_, options, context) {
    const { runStoreCheck } = await import('../store/store-check.js');
    return runStoreCheck(options, context);
  },
};

interface GcFlags extends CommonOptions {
  readonly dryRun?: boolean;
}

const gc: CommandDefinition<GcFlags> = {
  name: 'gc',
  summary: 'delete files that nothing refers to',
  description: `Bundles and declarations that no submission refers to, artifacts that no run's final record refers to, temporary files.
Records are kept. Refused while an engine uses the store.`,
  options: [{ flags: '--dry-run', description: 'say what, and how much; delete nothing' }],
  examples: [
    { line: 'store gc --dry-run', does: 'what would be deleted' },
    { line: 'store gc', does: 'delete it' },
  ],
  store: true,
  json: true,
  async run(_, options, context) {
    const { runStoreGc } = await import('../store/store-gc.js');
    return runStoreGc(options, context);
  },
};

export const storeCommand: CommandDefinition = {
  name: 'store',
  summary: 'check, repair and clean up a store',
  examples: [
    { line: 'store check', does: 'is anything damaged?' },
    { line: 'store gc --dry-run', does: 'what could be deleted' },
    { line: 'store compact', does: 'write every experiment to a Parquet file, for quick reading' },
  ],
  subcommands: [check, gc, compactCommand, trustCommand],
};
