import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sshd } from '../../test/rig/sshd.mjs';
import { freePorts } from '../../test/support/temporal-on-postgres/ports.mjs';
import { program } from '../processes.mjs';
import { median } from '../report.mjs';

const BYTES = 400_000_000;
const ROUNDS = 5;
/** Services are on another address than the usual one, as a node is: those of 127.0.0.1 need no tunnel. */
const NODE = '127.0.0.2';

/** Throughput of `metalab tunnel` beside that of `ssh -L`, through the same sshd to the same service. */
export async function measureTunnel(scratch, report) {
  report.title(`metalab tunnel beside ssh -L: ${BYTES / 1e6} MB each way, medians of ${ROUNDS} rounds`);
  const folder = join(scratch, 'tunnel');
  const sshd = await Sshd.start(join(folder, 'sshd'));
  const children = [];
  const start = (command, args, options = {}) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
    children.push(child);
    return child;
  };
  try {
    const service = start(process.execPath, [new URL('sink.mjs', import.meta.url).pathname, NODE]);
    const port = Number(String((await once(service.stdout, 'data'))[0]));
    const [bare] = await freePorts(1);
    start('ssh', [
      '-N',
      '-F',
      'none',
      ...sshOptions(sshd),
      '-L',
      `127.0.0.1:${bare}:${NODE}:${port}`,
      '127.0.0.1',
    ]);
    await untilListens(bare);
    const env = await writeProject(folder, sshd, port);
    const tunnel = start(process.execPath, [program, 'tunnel', '--env', 'cluster'], { cwd: folder, env });
    const ours = Number(/127\.0\.0\.1:(\d+)/.exec(String((await once(tunnel.stdout, 'data'))[0]))[1]);
    const rates = { down: { bare: [], ours: [] }, up: { bare: [], ours: [] } };
    for (let round = 0; round < ROUNDS; round++)
      for (const [way, measure] of Object.entries({ down: receive, up: send })) {
        rates[way].bare.push(await measure(bare));
        rates[way].ours.push(await measure(ours));
      }
    for (const [way, words] of Object.entries({ down: 'from the service', up: 'to the service' })) {
      const [theirs, mine] = [median(rates[way].bare), median(rates[way].ours)];
      report.row(
        `ssh_${way}_mb_per_second`,
        Math.round(theirs),
        `ssh -L, ${words}`,
        theirs.toFixed(0),
        'MB/s',
      );
      report.row(
        `tunnel_${way}_mb_per_second`,
        Math.round(mine),
        `metalab tunnel, ${words}`,
        mine.toFixed(0),
        'MB/s',
      );
      report.ratio(`tunnel_${way}_ratio`, mine / theirs, 'tunnel / ssh -L', '≥ 0.7');
    }
  } finally {
    for (const child of children) child.kill();
    await sshd.stop();
  }
}

const sshOptions = ({ key, knownHosts, port, user }) => [
  ...['-i', key, '-o', `UserKnownHostsFile=${knownHosts}`, '-p', `${port}`, '-l', user],
];

/** A project whose environment `cluster` has that sshd as its gateway, and a service. */
async function writeProject(folder, sshd, port) {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const ssh = join(folder, 'ssh_config');
  writeFileSync(
    ssh,
    `Host gateway\n HostName 127.0.0.1\n Port ${sshd.port}\n IdentityFile "${sshd.key}"\n UserKnownHostsFile "${sshd.knownHosts}"\n`,
  );
  writeFileSync(
    join(folder, '.metalab.toml'),
    `[environments.cluster]\ntype = "slurm"\nfile_root = "/none"\ngateway = "${sshd.user}@gateway"\n`,
  );
  const env = { ...process.env, METALAB_HOME: home, METALAB_SSH_CONFIG: ssh };
  const built = (name) => import(new URL(`../../dist/services/${name}.js`, import.meta.url));
  const [{ writeBundle }, { makeFolder, placeOf }] = await Promise.all([built('bundle'), built('place')]);
  const place = placeOf({ project: { name: null, folder }, environment: { name: 'cluster' } });
  writeBundle(makeFolder(place, env), {
    ...{ version: 1, ...place, project_folder: folder, environment_type: 'slurm', handles: [], store: null },
    tunnels: [{ service: 'sink', host: NODE, port }],
  });
  return env;
}

/** @returns MB/s */
async function receive(port) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const began = performance.now();
  let received = 0;
  socket.on('data', (piece) => {
    received += piece.length;
  });
  socket.write(`${BYTES}\n`);
  await once(socket, 'end');
  socket.destroy();
  if (received !== BYTES) throw new Error(`${received} of ${BYTES} bytes came`);
  return BYTES / 1e3 / (performance.now() - began);
}

/** @returns MB/s, until the service has it all */
async function send(port) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const piece = Buffer.alloc(65_536);
  const began = performance.now();
  socket.write(`-${BYTES}\n`);
  let left = BYTES;
  const more = () => {
    while (left > 0) {
      const part = left < piece.length ? piece.subarray(0, left) : piece;
      left -= part.length;
      if (!socket.write(part)) return;
    }
  };
  socket.on('drain', more);
  more();
  await once(socket, 'data');
  socket.destroy();
  return BYTES / 1e3 / (performance.now() - began);
}

async function untilListens(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(50);
  }
}
