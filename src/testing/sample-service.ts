import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ServicePlace, ServicePlan, ServicePlugin } from '../services/plugin.js';
import type { ServiceSpec } from '../services/service.js';
import { quoteForShell } from '../transport/ssh/command-line.js';

/** What only its user may see of a sample service. */
export const SAMPLE_SECRET = 'hunter2, which nobody else may see';

/** What a sample service can be told to do. */
export interface SampleConfig {
  readonly [key: string]: unknown;
  /** A part of its answers. */
  readonly word?: string;
  /** `broken`: it ends while it starts. `slow`: it never gets ready. `stubborn`: it does not end when it is asked to. */
  readonly mood?: 'broken' | 'slow' | 'stubborn';
}

/**
 * Answers each connection that tells the secret with its name, how often it was started on these data, its word, and what
 * it consumes. As databases have, it has a process in a session of its own, which outlives a kill of the first.
 */
const SERVER = `import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
const [folder, host, port] = process.argv.slice(2);
const { name, secret, word, mood, provided } = JSON.parse(readFileSync(folder + '/config.json', 'utf8'));
console.log('begins');
if (mood === 'broken') {
  console.log('the disk of ' + name + ' is broken');
  process.exit(1);
}
appendFileSync(folder + '/starts', 'x');
spawn('/bin/sh', ['-c', 'while sleep 1; do :; done', folder + '/child'], { detached: true, stdio: 'ignore' });
process.on('SIGTERM', () => {
  if (mood === 'stubborn') return;
  console.log('ends', Date.now());
  process.exit();
});
const server = createServer((socket) => {
  let told = '';
  socket.on('error', () => {});
  socket.on('data', (data) => {
    told += data;
    if (!told.endsWith('\\n')) return;
    console.log('asked');
    const answer = [name, readFileSync(folder + '/starts', 'utf8').length, word, provided];
    socket.end(told.trim() === secret ? answer.filter(Boolean).join(' ') : 'refused');
  });
});
if (mood === 'slow') setInterval(() => {}, 1000);
else server.listen(Number(port), host, () => console.log('listens'));
`;

const STOP_S = 10;

/** A plugin whose plan is that server. */
const plugin = (consumes: readonly string[], provides: readonly string[]): ServicePlugin => ({
  schema: undefined as never,
  resources: () => RESOURCES,
  consumes,
  provides,
  plans: {
    async local(spec, place) {
      const { folder, host, port } = place;
      return {
        ...planOf(spec, place, provides),
        fragment: {
          command: [process.execPath, join(folder, 'server.mjs'), folder, host, `${port}`],
          env: {},
          readiness: { type: 'port', port },
          log: join(folder, 'log'),
          stop: { signal: 'SIGTERM', timeout_ms: STOP_S * 1_000 },
          files: filesOf(spec, place),
        },
      };
    },
    async slurm(spec, place) {
      const { folder, port } = place;
      // Others are on other nodes.
      const command = [process.execPath, join(folder, 'server.mjs'), folder, '0.0.0.0', `${port}`];
      return {
        ...planOf(spec, place, provides),
        fragment: {
          setup: [`${command.map(quoteForShell).join(' ')} >> "$SERVICE_LOG" 2>&1 &`, 'SERVICE_PID=$!'],
          cleanup: [
            'kill "$SERVICE_PID" 2>/dev/null',
            `for _ in $(seq ${STOP_S * 10}); do kill -0 "$SERVICE_PID" 2>/dev/null || break; sleep 0.1; done`,
          ],
          readiness: { type: 'port', port },
          ...RESOURCES,
          files: filesOf(spec, place),
        },
      };
    },
  },
});

const RESOURCES = { cpus: 1, memory_mb: 100 };

function planOf(
  { config }: ServiceSpec,
  { private_folder, host, port }: ServicePlace,
  provides: readonly string[],
): Omit<ServicePlan<never>, 'fragment'> {
  const file = join(private_folder, 'secret');
  mkdirSync(private_folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, SAMPLE_SECRET, { mode: 0o600 });
  return {
    credentials: { user: 'me', file },
    metadata: { word: String(config.word ?? '') },
    provides: provides.map((kind) => ({ kind, value: `test://me@${host}:${port}/lab` })),
  };
}

const filesOf = ({ name, config }: ServiceSpec, { folder, provided }: ServicePlace) => ({
  [join(folder, 'server.mjs')]: SERVER,
  [join(folder, 'config.json')]: JSON.stringify({
    ...config,
    name,
    provided: provided.map(({ value }) => value).join(' '),
  }),
});

const PLUGINS = { store: plugin([], ['store']), board: plugin(['store'], []) };

/** Two services of which the second consumes the first. Their programs are this machine's: its Node. */
export const samplePlugin = async (name: string): Promise<ServicePlugin> =>
  PLUGINS[name as keyof typeof PLUGINS];

export const sampleSpec = (name: keyof typeof PLUGINS, config: SampleConfig = {}): ServiceSpec => ({
  name,
  config: { ...config, secret: SAMPLE_SECRET },
  resources: RESOURCES,
  consumes: PLUGINS[name].consumes,
});

/** What a sample service answers; undefined: it does not. */
export function askSample({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host, port }, () => socket.write(`${SAMPLE_SECRET}\n`));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => resolve(undefined)).on('end', () => resolve(answer));
  });
}
