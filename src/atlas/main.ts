// Atlas as one file, for a cluster where no metalab is installed: `node atlas.mjs --store … --host … --port … --token-file …`.
import { parseArgs } from 'node:util';
import { messageOf } from '../definition/errors.js';
import { serveAtlas } from './serve.js';
import { keepToken } from './token-file.js';

const TEXT = { type: 'string', default: '' } as const;
const { values } = parseArgs({
  options: { store: TEXT, host: TEXT, port: TEXT, 'token-file': TEXT },
});
const say = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
try {
  const { store, host, port } = values;
  const token = keepToken(values['token-file']);
  const server = await serveAtlas({ store, host, port: Number(port), token, say });
  say(`serving ${store} at ${server.url}`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  process.exitCode = 1;
}
