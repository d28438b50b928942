import type { CommandDefinition, CommonOptions } from '../command.js';
import { wholeNumber } from '../parse-options.js';

interface ServeFlags extends CommonOptions {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
}

const serve: CommandDefinition<ServeFlags> = {
  name: 'serve',
  summary: "serve a store's experiments over HTTP, until Ctrl-C",
  description: `Answers /api/health and /api/experiments. Requests for experiments need the token, which is in a file that
only you can read: other users of this machine can reach the port, too.`,
  options: [
    { flags: '--host <address>', description: 'address to listen at', default: '127.0.0.1' },
    {
      flags: '--port <n>',
      description: 'port to listen on; 0: any free port',
      default: 8000,
      parse: wholeNumber('--port', 0, 65_535),
    },
    {
      flags: '--token-file <path>',
      description: 'file with the token, created if missing (default: atlas-token in METALAB_HOME)',
    },
  ],
  examples: [
    { line: 'atlas serve', does: 'the store that a submit would use, at http://127.0.0.1:8000' },
    { line: 'atlas serve --store /data/lab --port 8080', does: 'another store, at another port' },
  ],
  store: true,
  async run(_args, options, context) {
    const { runAtlas } = await import('../run-atlas.js');
    return runAtlas(options, context);
  },
};

export const atlasCommand: CommandDefinition = {
  name: 'atlas',
  summary: 'serve experiments over HTTP',
  examples: [{ line: 'atlas serve', does: 'serve the store that a submit would use' }],
  subcommands: [serve],
};
