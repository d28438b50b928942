import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InfrastructureError } from '../../src/definition/errors.js';
import { connectTemporal } from '../../src/engine/connect.js';
import { processStart } from '../../src/engine/process-start.mjs';
import { freePort } from '../../src/engine/server/ports.js';
import { ensureServer, runningServer } from '../../src/engine/server/server.js';
import { obtainTemporalCli } from '../../src/engine/server/temporal-cli.js';
import { engineStatus } from '../../src/engine/status.js';
import { stopEngine } from '../../src/engine/stop.js';
import { kill } from '../support/kill.js';
import { ROOT } from '../support/metalab.js';
import { temporaryEngine } from './temporary-engine.js';

let engine: ReturnType<typeof temporaryEngine>;

beforeEach(() => {
  engine = temporaryEngine();
});

afterEach(() => engine.remove());

const failureOf = async (promise: Promise<unknown>): Promise<InfrastructureError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InfrastructureError);
  return error as InfrastructureError;
};

/** Starts a workflow that no worker will take, with the search attributes of an experiment. */
async function startWorkflow(workflowId: string): Promise<void> {
  const { connection, namespace } = await connectTemporal({ env: engine.env });
  try {
    await new Client({ connection, namespace }).workflow.start('nothing', {
      workflowId,
      taskQueue: 'nobody',
      typedSearchAttributes: new TypedSearchAttributes([
        { key: defineSearchAttributeKey('MetalabExperiment', 'KEYWORD'), value: 'pi:1' },
        { key: defineSearchAttributeKey('MetalabTotal', 'INT'), value: 3 },
      ]),
    });
  } finally {
    await connection.close();
  }
}

async function isKnown(workflowId: string): Promise<boolean> {
  const { connection, namespace } = await connectTemporal({ env: engine.env });
  try {
    const description = await new Client({ connection, namespace }).workflow.getHandle(workflowId).describe();
    return description.status.name === 'RUNNING';
  } finally {
    await connection.close();
  }
}

describe('the engine', { timeout: 180_000 }, () => {
  test('starts one server, however often and by however many it is asked for', async () => {
    const servers = await Promise.all([1, 2, 3, 4].map(() => ensureServer({ env: engine.env })));
    const later = await ensureServer({ env: engine.env });
    expect(new Set([...servers, later].map(({ pid }) => pid)).size).toBe(1);
    expect(servers.filter(({ started }) => started)).toHaveLength(1);
    expect(later.started).toBe(false);
  });

  test('keeps to this machine and to this user', async () => {
    const server = await ensureServer({ env: engine.env });
    expect(server.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(statSync(engine.home).mode & 0o777).toBe(0o700);
    const listening = listeners(server.pid);
    if (process.platform === 'linux') expect(listening).not.toEqual([]);
    for (const address of listening) expect(address).toBe('127.0.0.1');
  });

  test.runIf(process.platform === 'linux')("has every setting of docker-compose.yml's server", async () => {
    const settings = readFileSync(join(ROOT, 'docker', 'dynamic-config.yaml'), 'utf8');
    const expected = [...settings.matchAll(/^([\w.]+):\n +- value: (.+)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    expect(expected).toContainEqual(['matching.backlogNegligibleAge', '8760h']);
    const { pid } = await ensureServer({ env: engine.env });
    const given = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    for (const [name, value] of expected)
      expect(given.map((argument) => argument.replaceAll('"', ''))).toContain(`${name}=${value}`);
  });

  test('says within a few milliseconds that all is well', async () => {
    await ensureServer({ env: engine.env });
    const took: number[] = [];
    for (let time = 0; time < 10; time++) {
      const started = performance.now();
      await ensureServer({ env: engine.env });
      took.push(performance.now() - started);
    }
    // The quickest: others share this machine.
    expect(Math.min(...took)).toBeLessThan(50);
  });

  test('takes new workflows with search attributes, and keeps them and its ports through a kill', async () => {
    const ports = { port: await freePort(), ui_port: await freePort() };
    mkdirSync(engine.home);
    writeFileSync(join(engine.home, 'ports.json'), JSON.stringify(ports));
    const first = await ensureServer({ env: engine.env });
    expect(first.address).toBe(`127.0.0.1:${ports.port}`);
    expect(first.searchAttributes).toBe(true);
    await startWorkflow('kept');
    await kill(first.pid);
    const second = await ensureServer({ env: engine.env });
    expect(second.pid).not.toBe(first.pid);
    expect(second.address).toBe(first.address);
    expect(await isKnown('kept')).toBe(true);
  });

  test('goes on with a server whose starter was killed before it answered', async () => {
    const first = await ensureServer({ env: engine.env });
    const file = join(engine.home, 'server.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ready: false }));
    expect(runningServer(engine.env)).toBeUndefined();
    expect((await ensureServer({ env: engine.env })).pid).toBe(first.pid);
  });

  test('stops, and says what it stopped', async () => {
    const { pid } = await ensureServer({ env: engine.env });
    expect(engineStatus(engine.env).server).toMatchObject({ pid, namespace: 'default' });
    expect(await stopEngine({ env: engine.env })).toMatchObject({
      server: { pid, how: 'ended' },
      workers: [],
    });
    expect(processStart(pid)).toBeUndefined();
    expect(engineStatus(engine.env).server).toBeNull();
    expect(await stopEngine({ env: engine.env })).toMatchObject({ server: null });
  });

  test('never signals a process that merely has the pid of one that it started', async () => {
    const other = spawn('sleep', ['60']);
    try {
      mkdirSync(engine.home);
      const state = { pid: other.pid, start_time: 'before', host: hostname(), ready: true };
      writeFileSync(join(engine.home, 'server.json'), JSON.stringify(state));
      expect(await stopEngine({ env: engine.env })).toMatchObject({ server: null });
      await sleep(50);
      expect(processStart(other.pid!)).toBeDefined();
    } finally {
      other.kill();
    }
  });

  test('takes other ports where the usual ones are in use, and names the holder of a fixed one', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = holder.address() as { port: number };
    try {
      engine.env.METALAB_PORT = String(port);
      engine.env.METALAB_UI_PORT = 'eighty';
      const error = await failureOf(ensureServer({ env: engine.env }));
      expect(error.code).toBe('METALAB_PORT');
      expect(error.message).toContain(`METALAB_PORT: port ${port} is in use by`);
      expect(error.message).toContain(`pid ${process.pid}`);
      expect(error.message).toContain('METALAB_UI_PORT=eighty is no port');
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    delete engine.env.METALAB_UI_PORT;
    expect((await ensureServer({ env: engine.env })).address).toBe(`127.0.0.1:${port}`);
  });

  test('starts again when another process had one of its ports for a moment', async () => {
    const { path } = await obtainTemporalCli();
    const unlucky = join(engine.folder, 'temporal');
    const log =
      'level=ERROR msg="Failed to start gRPC listener" error="listen tcp 127.0.0.1:7233: bind: address already in use"\\npanic: nil';
    writeFileSync(
      unlucky,
      `#!/bin/sh\nif mkdir "$0.tried"; then printf '${log}\\n' >&2; exit 2; fi\nexec '${path}' "$@"\n`,
      { mode: 0o755 },
    );
    engine.env.METALAB_TEMPORAL = unlucky;
    const { address, started } = await ensureServer({ env: engine.env });
    expect(started).toBe(true);
    expect(runningServer(engine.env)).toMatchObject({ address });
    expect(existsSync(`${unlucky}.tried`)).toBe(true);
  });

  test('of several users who start it at the same moment is each their own', async () => {
    const engines = [engine, temporaryEngine(), temporaryEngine()];
    try {
      const servers = await Promise.all(engines.map(({ env }) => ensureServer({ env })));
      expect(new Set(servers.map(({ address }) => address)).size).toBe(3);
      const later = await Promise.all(engines.map(({ env }) => ensureServer({ env })));
      expect(later.map(({ pid }) => pid)).toEqual(servers.map(({ pid }) => pid));
    } finally {
      await Promise.all(engines.slice(1).map((other) => other.remove()));
    }
  });

  test('says how a server that ends at its start ended', async () => {
    const broken = join(engine.folder, 'temporal');
    writeFileSync(broken, '#!/bin/sh\necho "no space on any device" >&2\nexit 1\n');
    chmodSync(broken, 0o755);
    engine.env.METALAB_TEMPORAL = broken;
    const error = await failureOf(ensureServer({ env: engine.env }));
    expect(error.code).toBe('METALAB_SERVER_START');
    expect(error.message).toContain('ended while starting');
    expect(error.message).toContain('no space on any device');
    expect(error.next).toContain('server.log');
    expect(existsSync(join(engine.home, 'server.json'))).toBe(false);
  });

  test('refuses to open a database that another machine may have open', async () => {
    await stopEngine({ env: engine.env });
    const other = {
      pid: 1,
      start_time: '1',
      host: 'login-2',
      ready: true,
      started_at: '2026-01-01T00:00:00Z',
    };
    writeFileSync(join(engine.home, 'server.json'), JSON.stringify(other));
    const error = await failureOf(ensureServer({ env: engine.env }));
    expect(error.message).toContain('login-2');
    expect(error.next).toContain('METALAB_HOME');
  });
});

/** The local addresses on which a process listens, from /proc; none on other systems. */
function listeners(pid: number): string[] {
  if (process.platform !== 'linux') return [];
  const rows = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  );
  const inodes = new Set(socketInodes(pid));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]!))
    .map((fields) => fields[1]!.split(':')[0]!)
    .map((hex) => (hex === '0100007F' ? '127.0.0.1' : hex));
}

function socketInodes(pid: number): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** Nothing of a file that was closed meanwhile: those on which it listens stay open. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
