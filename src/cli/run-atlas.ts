import { join, resolve } from 'node:path';
import { serveAtlas } from '../atlas/serve.js';
import { keepToken } from '../atlas/token-file.js';
import { keepIndexPassword } from '../client/open-location.js';
import { InfrastructureError } from '../definition/errors.js';
import { holderOf } from '../engine/server/ports.js';
import { makeStateFolder } from '../engine/state-folder.js';
import { parseStore } from '../storage/store-config.js';
import type { CommandContext } from './command.js';
import { shellWords } from './terminal/invocation.js';

export interface AtlasOptions {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
}

/** Serves until SIGTERM or Ctrl-C. */
export async function runAtlas(
  { host, port, tokenFile }: AtlasOptions,
  context: CommandContext,
): Promise<undefined> {
  const { storeLocation: store } = context;
  parseStore(store);
  await keepIndexPassword(store, false);
  const file = resolve(tokenFile ?? join(makeStateFolder(), 'atlas-token'));
  const say = (line: string) => context.out(`${new Date().toISOString()} ${line}`);
  const server = await serveAtlas({ store, host, port, token: keepToken(file), say }).catch(
    (error: NodeJS.ErrnoException) => {
      throw portFault(error, host, port);
    },
  );
  say(`serving ${store} at ${server.url}`);
  context.note(`with its token: echo "${server.url}/?token=$(cat ${shellWords([file])})"`);
  await new Promise((end) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
  });
  await server.close();
  return undefined;
}

function portFault(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    const holder = holderOf(port);
    return new InfrastructureError({
      code: 'METALAB_PORT',
      where: '--port',
      what: `port ${port} of ${host} is in use${holder ? ` by ${holder}` : ''}`,
      next: 'choose another, or --port 0 for a free one',
    });
  }
  if (error.code !== 'EACCES' && error.code !== 'EADDRNOTAVAIL' && error.code !== 'ENOTFOUND') return error;
  return new InfrastructureError({
    code: 'METALAB_PORT',
    where: '--host, --port',
    what: `can't listen at ${host}, port ${port}: ${error.message}`,
    expected: 'an address of this machine, and a port from 1024',
  });
}
