import type { CommandDefinition } from '../command.js';
import { downCommand } from './services/down.js';
import { logsCommand } from './services/logs.js';
import { restartCommand } from './services/restart.js';
import { statusCommand } from './services/status.js';
import { upCommand } from './services/up.js';

export const servicesCommand: CommandDefinition = {
  name: 'services',
  summary: 'start, stop and show the services of an environment: a database, a dashboard',
  examples: [
    { line: 'services up', does: 'start those of [services] in .metalab.toml' },
    { line: 'services status', does: 'what runs, and where' },
    { line: 'services down', does: 'end them; their data is kept' },
  ],
  subcommands: [upCommand, statusCommand, logsCommand, restartCommand, downCommand],
};
