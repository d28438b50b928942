import type { CommandDefinition } from '../command.js';
import { checkCommand } from './store/check.js';
import { compactCommand } from './store/compact.js';
import { copyCommand } from './store/copy.js';
import { deleteCommand } from './store/delete.js';
import { exportStoreCommand } from './store/export-store.js';
import { gcCommand } from './store/gc.js';
import { importCommand } from './store/import.js';
import { indexCommand } from './store/index-store.js';
import { infoCommand } from './store/info.js';
import { storeListCommand } from './store/list.js';
import { trustCommand } from './store/trust.js';

export const storeCommand: CommandDefinition = {
  name: 'store',
  summary: 'show, check, copy, move, import, index and clean up a store',
  examples: [
    { line: 'store info', does: 'what is in it, and how large' },
    { line: 'store check', does: 'whether anything is damaged' },
    { line: 'store copy --to /backup/experiments', does: 'copy what is new to another store' },
    { line: 'store gc --dry-run', does: 'what could be deleted' },
    { line: 'store compact', does: 'write every experiment to a Parquet file, for quick reading' },
  ],
  subcommands: [
    storeListCommand,
    infoCommand,
    checkCommand,
    gcCommand,
    compactCommand,
    copyCommand,
    exportStoreCommand,
    importCommand,
    deleteCommand,
    indexCommand,
    trustCommand,
  ],
};
