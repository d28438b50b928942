import { METALAB_VERSION } from '../engine/version.js';
import { provideReach } from '../storage/postgresql/reach.js';
import { type CommandTable, runProgram } from './program.js';
import type { Terminal } from './terminal/context.js';

/** The commands, in the order of the help. */
const COMMANDS: CommandTable = {
  submit: async () => (await import('./commands/submit.js')).submitCommand,
  attach: async () => (await import('./commands/attach.js')).attachCommand,
  watch: async () => (await import('./commands/watch.js')).watchCommand,
  status: async () => (await import('./commands/status.js')).statusCommand,
  pause: async () => (await import('./commands/pause.js')).pauseCommand,
  resume: async () => (await import('./commands/pause.js')).resumeCommand,
  cancel: async () => (await import('./commands/cancel.js')).cancelCommand,
  retry: async () => (await import('./commands/retry.js')).retryCommand,
  list: async () => (await import('./commands/list.js')).listCommand,
  results: async () => (await import('./commands/results.js')).resultsCommand,
  plot: async () => (await import('./commands/plot.js')).plotCommand,
  derive: async () => (await import('./commands/derive.js')).deriveCommand,
  compare: async () => (await import('./commands/compare.js')).compareCommand,
  query: async () => (await import('./commands/query.js')).queryCommand,
  export: async () => (await import('./commands/export.js')).exportCommand,
  show: async () => (await import('./commands/show.js')).showCommand,
  logs: async () => (await import('./commands/logs.js')).logsCommand,
  artifacts: async () => (await import('./commands/artifacts.js')).artifactsCommand,
  store: async () => (await import('./commands/store.js')).storeCommand,
  atlas: async () => (await import('./commands/atlas.js')).atlasCommand,
  env: async () => (await import('./commands/env.js')).envCommand,
  services: async () => (await import('./commands/services.js')).servicesCommand,
  tunnel: async () => (await import('./commands/tunnel.js')).tunnelCommand,
  init: async () => (await import('./commands/init.js')).initCommand,
  engine: async () => (await import('./commands/engine.js')).engineCommand,
  worker: async () => (await import('./commands/worker.js')).workerCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
};

provideReach(async (settings) => (await import('../services/reach-service.js')).reachService(settings));

/** Runs a command line of metalab: the arguments after the program's name. @returns the exit code */
export const runMetalab = (argv: readonly string[], terminal: Terminal = process): Promise<number> =>
  runProgram(COMMANDS, argv, METALAB_VERSION, terminal);
