import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createApp } from './app.js';
import { listExperiments } from './list-experiments.js';

export interface ServeOptions {
  /** The store's location. */
  readonly store: string;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly token: string;
  readonly say: (line: string) => void;
}

export interface AtlasServer {
  /** Without the token. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a store over HTTP. Rejects as a server's `listen` does, e.g. with EADDRINUSE. */
export async function serveAtlas({ store, host, port, token, say }: ServeOptions): Promise<AtlasServer> {
  const app = createApp({ token, listExperiments: () => listExperiments(store), say });
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve());
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Idle connections of browsers would keep it open.
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}
