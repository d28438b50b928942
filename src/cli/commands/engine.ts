import type { UserServer } from '../../engine/address.js';
import type { EngineStatus } from '../../engine/status.js';
import type { CommandContext, CommandDefinition } from '../command.js';
import { EXIT } from '../format/report-error.js';

const start: CommandDefinition = {
  name: 'start',
  summary: 'start the local Temporal server and a worker, if they are not running',
  examples: [{ line: 'engine start', does: '`submit` does it by itself' }],
  json: true,
  async run(_, options, context) {
    const [{ connectTemporal }, { loadRequestKey }, { ensureWorker }, { engineStatus }, { userServer }] =
      await Promise.all([
        import('../../engine/connect.js'),
        import('../../engine/request-key.js'),
        import('../../engine/worker/worker-process.js'),
        import('../../engine/status.js'),
        import('../../engine/address.js'),
      ]);
    const say = (line: string) => context.note(line);
    const { connection, ...target } = await connectTemporal({ say });
    await connection.close();
    const { address, namespace } = target;
    const { taskQueue } = await loadRequestKey(target);
    await ensureWorker({ address, namespace, taskQueue, slots: null, say });
    print(engineStatus(), await userServer(), options.json, context);
    return undefined;
  },
};

const stop: CommandDefinition = {
  name: 'stop',
  summary: 'stop the background worker and the local Temporal server',
  description:
    'Unfinished runs continue after the next start. Recorded runs are kept. Services go on: `metalab services down` ends them.',
  examples: [{ line: 'engine stop', does: 'no server or worker is left' }],
  json: true,
  async run(_, options, context) {
    const { stopEngine } = await import('../../engine/stop.js');
    const stopped = await stopEngine({ say: (line) => context.note(line) });
    if (options.json) context.out(JSON.stringify(stopped));
    else {
      const ended = [...stopped.workers.map(({ pid, how }) => `worker (pid ${pid}) ${how}`)];
      if (stopped.server) ended.push(`Temporal server (pid ${stopped.server.pid}) ${stopped.server.how}`);
      context.out(ended.length > 0 ? ended.join('\n') : 'nothing was running');
      if (stopped.foreground.length > 0)
        context.out(`workers in terminals continue: pid ${stopped.foreground.join(', ')}`);
      const { projectsWithServices } = await import('../../client/services/examine-services.js');
      for (const { folder, environment } of projectsWithServices())
        context.out(`services continue, unattended: those of ${folder}, environment ${environment}`);
    }
    return undefined;
  },
};

const status: CommandDefinition = {
  name: 'status',
  summary: 'show what runs in the background, and where',
  examples: [{ line: 'engine status --json', does: 'addresses and pids, for scripts' }],
  json: true,
  async run(_, options, context) {
    const [{ engineStatus }, { userServer }] = await Promise.all([
      import('../../engine/status.js'),
      import('../../engine/address.js'),
    ]);
    const found = engineStatus();
    const own = await userServer();
    print(found, own, options.json, context);
    return found.server || own ? undefined : EXIT.infrastructure;
  },
};

export const engineCommand: CommandDefinition = {
  name: 'engine',
  summary: 'start, stop and show the local Temporal server and worker',
  examples: [
    { line: 'engine status', does: 'what runs, and where' },
    { line: 'engine stop', does: 'stop it' },
  ],
  subcommands: [start, stop, status],
};

/** @param own a user-provided Temporal server, used instead of the engine's */
function print(
  found: EngineStatus,
  own: UserServer | undefined,
  json: boolean | undefined,
  { out, color }: CommandContext,
): void {
  const { server, workers } = found;
  if (json) {
    const configured = own ? { address: own.address, namespace: own.namespace, source: own.source } : null;
    out(JSON.stringify({ ...found, configured }));
    return;
  }
  if (own) out(`used             ${own.address}  namespace ${own.namespace}  (${own.source})`);
  if (server)
    out(`Temporal server  ${server.address}  pid ${server.pid}  UI ${color.cyan(server.ui_address)}`);
  else out('Temporal server  not running');
  for (const { pid, slots, background, address } of workers) {
    out(`worker           ${address}  pid ${pid}  ${slots} slots${background ? '' : '  in a terminal'}`);
  }
  if (workers.length === 0) out('worker           not running');
  out(color.dim(`state            ${found.state_folder}`));
}
