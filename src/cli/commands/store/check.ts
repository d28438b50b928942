import type { CommandDefinition } from '../../command.js';
import type { CheckFlags } from '../../run-store-check.js';

export const checkCommand: CommandDefinition<CheckFlags> = {
  name: 'check',
  summary: 'find damaged, missing and left-over files, and say how to fix them',
  description: `Reads the whole store: manifests, declarations, bundles, plans, every line of every segment, artifacts. --repair takes
damaged lines out of segments, moves what is damaged to quarantine/, rewrites a lost experiment.json, and removes
temporary files; nothing that holds data is deleted. Runs whose records are damaged are done again by the next submit.

Exit codes: 0 nothing is wrong; 1 something is (after --repair: still); 3 the store is in use (--repair only).`,
  options: [
    { flags: '--repair', description: 'repair what can be repaired without losing anything' },
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
    const { runStoreCheck } = await import('../../run-store-check.js');
    return runStoreCheck(options, context);
  },
};
