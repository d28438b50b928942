// @ts-check
// By hand: npm run rig up | down | status | shell. The rig stays until it is taken down.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { takeDown } from './down.mjs';
import { readSettings } from './settings.mjs';
import { SlurmRig } from './slurm-rig.mjs';
import { createRig } from './start.mjs';

const USAGE = `usage: npm run rig up|down|status|shell [-- --folder FOLDER]
  up      starts a Slurm cluster and an SSH gateway to it on this machine, and says how to reach them
  down    ends it and removes its folder
  status  its nodes and jobs
  shell   a shell whose sbatch, squeue, sacct … are the rig's
  --folder         default: a folder of yours in ${tmpdir()}; another one is another rig
  --no-accounting  without slurmdbd: no sacct, no limits
  --cpus N         of a node (default: 2)
  --stay           up: until a signal, which takes it down
  --gateway ADDRESS:PORT  where sshd listens (default: 127.0.0.1, a free port)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: join(tmpdir(), `metalab-rig-of-${userInfo().username}`) },
    'no-accounting': { type: 'boolean', default: false },
    cpus: { type: 'string', default: '2' },
    stay: { type: 'boolean', default: false },
    gateway: { type: 'string' },
  },
});
const folder = resolve(values.folder);

const COMMANDS = {
  async up() {
    const there = readSettings(folder);
    if (there) {
      const rig = new SlurmRig(folder);
      await rig.start();
      return tell(rig);
    }
    mkdirSync(folder, { recursive: true });
    const [gatewayAddress, gatewayPort] = values.gateway?.split(':') ?? [];
    const options = {
      accounting: !values['no-accounting'],
      cpusPerNode: Number(values.cpus),
      ...(gatewayAddress ? { gatewayAddress, gatewayPort: Number(gatewayPort) } : {}),
    };
    tell(await createRig(folder, options, null));
    if (values.stay) stay();
  },
  async down() {
    if (readSettings(folder)) await takeDown(folder);
    else console.error(`there is no rig in ${folder}`);
  },
  async status() {
    const rig = open();
    for (const command of [['sinfo', '--Node', '--long'], ['squeue']]) {
      const { code, stdout, stderr } = await rig.run(command);
      if (code !== 0) process.exitCode = 1;
      console.log(stdout + stderr);
    }
  },
  async shell() {
    const { env } = open();
    const shell = spawn(process.env.SHELL ?? '/bin/sh', {
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    process.exitCode = await new Promise((ended) => shell.once('close', ended));
  },
};

function stay() {
  const end = () => takeDown(folder).then(() => process.exit());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
  setInterval(() => {}, 60_000);
}

function open() {
  if (!readSettings(folder)) {
    console.error(`there is no rig in ${folder}\n  next: npm run rig up`);
    process.exit(1);
  }
  return new SlurmRig(folder);
}

/** @param {SlurmRig} rig */
function tell(rig) {
  console.error(
    `Slurm cluster ${rig.cluster} with the nodes ${rig.nodes.join(', ')}; its folder is ${rig.folder}`,
  );
  console.error(
    `by SSH: ssh -F ${rig.gateway.sshConfig} rig; here: npm run rig shell; its end: npm run rig down`,
  );
  console.log(`export SLURM_CONF=${rig.env.SLURM_CONF}`);
}

const [command = ''] = positionals;
if (command in COMMANDS) await COMMANDS[/** @type {keyof typeof COMMANDS} */ (command)]();
else {
  console.error(USAGE);
  process.exitCode = 2;
}
