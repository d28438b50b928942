import type { ClusterHasher } from '../../client/cluster/cluster-hasher.js';
import type { CommandContext } from '../command.js';

/** Hashes a context's files on the chosen environment's cluster. Asks at the terminal if the login needs it. */
export function clusterHasher(context: CommandContext): Pick<ClusterHasher, 'hashAll' | 'hashDir' | 'close'> {
  // SSH takes 60 ms to load, and few experiment files need it.
  const load = async () => {
    const [{ ClusterHasher }, { createTerminalPrompter }] = await Promise.all([
      import('../../client/cluster/cluster-hasher.js'),
      import('../terminal/terminal-prompter.js'),
    ]);
    return new ClusterHasher(() => context.environment(), {
      prompter: createTerminalPrompter(),
      say: (line) => context.note(line),
    });
  };
  let loaded: ReturnType<typeof load> | undefined;
  const hasher = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    hashAll: async (paths) => (await hasher()).hashAll(paths),
    hashDir: async (path, pattern, rule) => (await hasher()).hashDir(path, pattern, rule),
    close: async () => (await loaded)?.close(),
  };
}
