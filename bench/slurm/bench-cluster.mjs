import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'metalab';
import { startRig } from '../../test/rig/start.mjs';
import { program } from '../processes.mjs';
import { CommandLog } from './command-log.mjs';
import { Wire } from './wire.mjs';

const LOOK_MS = 50;

/**
 * A Slurm cluster of two nodes with two cpus each, reached by SSH, with a folder of a user's that names it in its
 * `.metalab.toml`: this process's current folder. What passes between metalab and the gateway is counted.
 */
export class BenchCluster {
  #rig;
  #before = process.cwd();
  wire;
  commands;
  /** The rig's folder. */
  folder;

  /**
   * @param {string} folder for the user's files and metalab's; is made
   * @param {import('../../test/rig/settings.mjs').RigOptions} [options]
   */
  static async start(folder, options = {}) {
    const cluster = new BenchCluster();
    const rig = await startRig({ maxArraySize: 1001, minJobAgeSeconds: 300, ...options });
    cluster.#rig = rig;
    cluster.folder = rig.folder;
    cluster.wire = await Wire.open(rig.gateway.port);
    cluster.commands = new CommandLog(rig.folder);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.metalab.toml'), CONFIGURATION);
    process.env.METALAB_HOME = join(folder, 'home');
    process.env.METALAB_SSH_CONFIG = writeSshConfig(folder, rig.gateway, cluster.wire.port);
    process.chdir(folder);
    return cluster;
  }

  /** Works with a worker of its own, which knows nothing of the cluster before. */
  async withLab(work) {
    const lab = await connect();
    try {
      return await work(lab);
    } finally {
      await lab.close();
      execFileSync(process.execPath, [program, 'engine', 'stop'], { stdio: 'ignore' });
    }
  }

  get spool() {
    return join(this.#rig.folder, 'home', 'spool');
  }

  /** How many tasks an experiment's arrays had, one after the other. */
  tasksOf(experimentId) {
    const submissions = join(this.spool, experimentId.replace(':', '@'), 'submissions');
    return foldersIn(submissions).flatMap((submission) => {
      const arrays = join(submissions, submission, 'arrays');
      return foldersIn(arrays).map(
        (token) => JSON.parse(readFileSync(join(arrays, token, 'array.json'), 'utf8')).tasks,
      );
    });
  }

  /** @returns seconds from sbatch to the end of an array of the rig's own */
  async bareArray(lines, tasks) {
    const began = performance.now();
    const job = await this.#rig.submit(lines, [`--array=0-${tasks - 1}`, '--output=/dev/null']);
    while ((await this.#squeue('%i', [`--jobs=${job}`])).length > 0) await sleep(LOOK_MS);
    return (performance.now() - began) / 1000;
  }

  /** Resolves once one of metalab's arrays is in the queue. */
  async untilQueued() {
    for (;;) {
      const names = await this.#squeue('%j');
      if (names.some((name) => name.startsWith('metalab-'))) return;
      await sleep(LOOK_MS);
    }
  }

  /** How many tasks are in the queue, pending and running. */
  async queued() {
    return (await this.#squeue('%i', ['--array'])).length;
  }

  setSubmitLimit(jobs) {
    return this.#rig.setLimits('qos', { MaxSubmitJobs: jobs });
  }

  /** Lines of the controller's log by which it tells that it refused a job. */
  refusals() {
    const log = readFileSync(join(this.#rig.folder, 'log', 'slurmctld.log'), 'utf8');
    return log.split('\n').filter((line) => REFUSAL.test(line));
  }

  /** Folders in which metalab keeps what sbatch refused. */
  refusedSubmits(experimentId) {
    const submissions = join(this.spool, experimentId.replace(':', '@'), 'submissions');
    return foldersIn(submissions).flatMap((submission) => {
      const arrays = join(submissions, submission, 'arrays');
      return foldersIn(arrays).flatMap((token) =>
        foldersIn(join(arrays, token)).filter((name) => name.startsWith('refused-')),
      );
    });
  }

  async close() {
    process.chdir(this.#before);
    this.wire.close();
    await this.#rig.down();
  }

  async #squeue(format, options = []) {
    const { stdout } = await this.#rig.run(['squeue', '--noheader', `--format=${format}`, ...options]);
    return stdout.split('\n').filter((line) => line !== '');
  }
}

const REFUSAL = /_slurm_rpc_submit_batch_job:(?! JobId)/;

const foldersIn = (path) => (existsSync(path) ? readdirSync(path) : []);

const CONFIGURATION = `[environments.cluster]
type = "slurm"
gateway = "rig"
file_root = "~/spool"

[environments.chunked]
type = "slurm"
gateway = "rig"
file_root = "~/spool"
executor = { chunk_size = 1000 }
`;

function writeSshConfig(folder, { user, key, knownHosts, sshConfig }, port) {
  const [, ...hostKey] = readFileSync(knownHosts, 'utf8').split(' ');
  const known = join(folder, 'known_hosts');
  writeFileSync(known, `[127.0.0.1]:${port} ${hostKey.join(' ')}`);
  const lines = readFileSync(sshConfig, 'utf8')
    .replace(/^ {2}Port .*$/m, `  Port ${port}`)
    .replace(knownHosts, known);
  if (!lines.includes(key) || !lines.includes(user)) throw new Error(`${sshConfig} is not the rig's`);
  const path = join(folder, 'ssh_config');
  writeFileSync(path, lines);
  return path;
}
