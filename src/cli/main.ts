import { METALAB_VERSION } from '../engine/version.js';
import { provideReach } from '../storage/postgresql/reach.js';
import type { CommandDefinition } from './command.js';
import { artifactsCommand } from './commands/artifacts.js';
import { atlasCommand } from './commands/atlas.js';
import { attachCommand } from './commands/attach.js';
import { cancelCommand } from './commands/cancel.js';
import { compareCommand } from './commands/compare.js';
import { deriveCommand } from './commands/derive.js';
import { doctorCommand } from './commands/doctor.js';
import { engineCommand } from './commands/engine.js';
import { envCommand } from './commands/env.js';
import { exportCommand } from './commands/export.js';
import { initCommand } from './commands/init.js';
import { listCommand } from './commands/list.js';
import { logsCommand } from './commands/logs.js';
import { pauseCommand, resumeCommand } from './commands/pause.js';
import { plotCommand } from './commands/plot.js';
import { queryCommand } from './commands/query.js';
import { resultsCommand } from './commands/results.js';
import { retryCommand } from './commands/retry.js';
import { servicesCommand } from './commands/services.js';
import { showCommand } from './commands/show.js';
import { statusCommand } from './commands/status.js';
import { storeCommand } from './commands/store.js';
import { submitCommand } from './commands/submit.js';
import { tunnelCommand } from './commands/tunnel.js';
import { watchCommand } from './commands/watch.js';
import { workerCommand } from './commands/worker.js';
import { runProgram } from './program.js';

/** The command table, in the order of the help. */
const COMMANDS: readonly CommandDefinition[] = [
  submitCommand,
  attachCommand,
  watchCommand,
  statusCommand,
  pauseCommand,
  resumeCommand,
  cancelCommand,
  retryCommand,
  listCommand,
  resultsCommand,
  plotCommand,
  deriveCommand,
  compareCommand,
  queryCommand,
  exportCommand,
  showCommand,
  logsCommand,
  artifactsCommand,
  storeCommand,
  atlasCommand,
  envCommand,
  servicesCommand,
  tunnelCommand,
  initCommand,
  engineCommand,
  workerCommand,
  doctorCommand,
];

provideReach(async (settings) => (await import('../services/reach-service.js')).reachService(settings));
// The pipe was closed (`metalab results … | head`): nobody reads the output any more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await runProgram(COMMANDS, process.argv.slice(2), METALAB_VERSION);
