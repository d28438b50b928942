// @ts-check
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounting } from './accounting.mjs';
import { Daemon } from './daemon.mjs';
import { Gateway } from './gateway.mjs';
import { Munge } from './munge.mjs';
import { killAllOf, MARK } from './processes.mjs';
import { PATH, program } from './programs.mjs';
import { run } from './run.mjs';
import { readSettings } from './settings.mjs';
import { slurmConf } from './slurm-conf.mjs';

const READY_WITHIN_MS = 60_000;

/** A Slurm cluster on this machine. All that it is is in its folder: whoever has that can work it. */
export class SlurmRig {
  #settings;
  #munge;
  #accounting;
  #controller;
  #gateway;
  /** @type {ReadonlyMap<string, Daemon>} */
  #nodes;
  folder;
  /** The home of who logs in. */
  home;
  /** With it, Slurm's commands speak to this cluster. */
  env;

  /** @param {string} folder with a rig's settings */
  constructor(folder) {
    const settings = readSettings(folder);
    if (!settings) throw new Error(`there is no rig in ${folder}`);
    this.folder = folder;
    this.#settings = settings;
    this.home = join(folder, 'home');
    this.env = { SLURM_CONF: join(folder, 'slurm.conf'), PATH };
    const env = { ...this.env, LANG: 'C.UTF-8', HOME: this.home };
    const marked = { ...env, [MARK]: folder };
    if (!existsSync(this.env.SLURM_CONF)) this.#configure();
    this.#munge = new Munge(folder, marked);
    this.#accounting = settings.options.accounting
      ? new Accounting(folder, settings, marked, (command) => this.run(command))
      : undefined;
    this.#controller = new Daemon(folder, 'slurmctld', {
      program: program('slurmctld'),
      args: ['-D'],
      env: marked,
    });
    const slurmd = program('slurmd');
    this.#nodes = new Map(
      settings.options.nodes.map((name) => [
        name,
        new Daemon(folder, `slurmd-${name}`, { program: slurmd, args: ['-D', '-N', name], env: marked }),
      ]),
    );
    this.#gateway = new Gateway(folder, settings, env);
  }

  get cluster() {
    return this.#settings.cluster;
  }

  get nodes() {
    return [...this.#nodes.keys()];
  }

  /** How it is reached by SSH. */
  get gateway() {
    return this.#gateway.address;
  }

  /** Starts what does not run, and waits until the nodes take jobs. */
  async start() {
    await Promise.all([this.#startSlurm(), this.startGateway()]);
  }

  async #startSlurm() {
    await this.#munge.start();
    if (this.#accounting) {
      const isNew = !existsSync(join(this.folder, 'mariadb'));
      await this.#accounting.start();
      if (isNew) await this.#accounting.addCluster();
    }
    await Promise.all([this.startController(), ...this.nodes.map((name) => this.startNode(name))]);
    await this.#untilNodes(this.nodes, (state) => /^(idle|mixed|allocated)$/.test(state));
  }

  /**
   * Runs a command of this machine for this cluster, whatever it comes to.
   *
   * @param {readonly string[]} command
   * @param {{ readonly stdin?: string, readonly env?: NodeJS.ProcessEnv }} [options]
   */
  run(command, { stdin, env = {} } = {}) {
    return run(command, {
      cwd: this.home,
      env: { ...process.env, ...this.env, [MARK]: this.folder, HOME: this.home, ...env },
      ...(stdin === undefined ? {} : { stdin }),
    });
  }

  /**
   * Submits a job of these shell lines, which runs in the rig's home.
   *
   * @param {string} lines
   * @param {readonly string[]} [options] of sbatch
   * @returns {Promise<string>} its id
   * @throws Error with what sbatch says
   */
  async submit(lines, options = []) {
    const stdin = `#!/bin/sh\n${lines}\n`;
    const { code, stdout, stderr } = await this.run(['sbatch', '--parsable', ...options], { stdin });
    if (code !== 0) throw new Error(stderr.trim());
    return stdout.trim().split(';')[0] ?? '';
  }

  /** @param {readonly string[]} command of scontrol @throws Error with what it says */
  async control(command) {
    const { code, stdout, stderr } = await this.run(['scontrol', ...command]);
    if (code !== 0) throw new Error(`scontrol ${command.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  /**
   * A running job's time limit is now: it will be TIMEOUT, for which Slurm knows nothing shorter than a minute.
   *
   * @param {string} job
   */
  async endTimeOf(job) {
    const update = () => this.control(['update', `JobId=${job}`, 'EndTime=now']);
    // scontrol's now is the controller's past where a second begins between them.
    await update().catch((error) => {
      if (!/invalid time/i.test(error.message)) throw error;
      return update();
    });
  }

  async startController() {
    mkdirSync(join(this.folder, 'state'), { recursive: true });
    await this.#controller.start(async () => (await this.run(['scontrol', 'ping'])).stdout.includes('UP'));
  }

  stopController() {
    return this.#controller.end();
  }

  async startAccounting() {
    await this.#accounting?.start();
  }

  /** slurmdbd; its database stays. */
  async stopAccounting() {
    await this.#accounting?.stop();
  }

  startGateway() {
    return this.#gateway.start();
  }

  stopGateway() {
    return this.#gateway.stop();
  }

  killGatewaySessions() {
    return this.#gateway.killSessions();
  }

  freezeGatewaySessions() {
    this.#gateway.freezeSessions();
  }

  thawGatewaySessions() {
    this.#gateway.thawSessions();
  }

  /** Starts a node's daemon; Slurm takes the node back by itself. @param {string} name */
  async startNode(name) {
    mkdirSync(join(this.folder, `spool-${name}`), { recursive: true });
    await this.#node(name).start(() => true);
  }

  /** A node is without power: its daemon and what runs on it. Slurm has to notice. @param {string} name */
  async killNode(name) {
    await this.#node(name).end('SIGKILL');
    await killAllOf(this.folder, { node: name });
  }

  /** Tells Slurm that a node is down, which makes it end what it runs at once: NODE_FAIL or requeued. @param {string} name */
  async setNodeDown(name) {
    await this.control(['update', `NodeName=${name}`, 'State=DOWN', 'Reason=rig']);
  }

  /** What runs on it goes on, nothing new starts. @param {string} name */
  async drainNode(name) {
    await this.control(['update', `NodeName=${name}`, 'State=DRAIN', 'Reason=rig']);
  }

  /** @param {string} name */
  async resumeNode(name) {
    // Refused where it has come back by itself.
    await this.run(['scontrol', 'update', `NodeName=${name}`, 'State=RESUME']);
    await this.#untilNodes([name], (state) => /^(idle|mixed|allocated)$/.test(state));
  }

  /** @param {string} name @returns {Promise<string>} such as `idle`, `down*`, `drained` */
  async nodeState(name) {
    const { stdout } = await this.run([
      'sinfo',
      '--noheader',
      '--Node',
      `--nodes=${name}`,
      '--partition=main',
      '--format=%T',
    ]);
    return stdout.trim();
  }

  /**
   * Limits, as sacctmgr words them: `setLimits('qos', { MaxSubmitJobsPerUser: 36 })`. They are −1 where there is none.
   *
   * @param {'qos' | 'account' | 'user'} of the QOS `normal`, the account `lab` or the rig's user
   * @param {Readonly<Record<string, string | number>>} limits
   */
  async setLimits(of, limits) {
    const which = {
      qos: ['qos', 'where', 'name=normal'],
      account: ['account', 'where', 'name=lab', `cluster=${this.cluster}`],
      user: ['user', 'where', `name=${this.#settings.user}`, 'account=lab', `cluster=${this.cluster}`],
    }[of];
    const values = Object.entries(limits).map(([name, value]) => `${name}=${value}`);
    if (!this.#accounting) throw new Error('limits are kept by accounting, which this rig has not');
    await this.#accounting.manage(['modify', ...which, 'set', ...values]);
  }

  /** @param {string} name */
  #node(name) {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`the rig's nodes are ${this.nodes.join(', ')}, not ${name}`);
    return node;
  }

  #configure() {
    writeFileSync(this.env.SLURM_CONF, slurmConf(this.folder, this.#settings));
    // Without it, Slurm looks what the machine has.
    writeFileSync(join(this.folder, 'cgroup.conf'), 'IgnoreSystemd=yes\n');
  }

  /** @param {readonly string[]} names @param {(state: string) => boolean} isReached */
  async #untilNodes(names, isReached) {
    for (const end = Date.now() + READY_WITHIN_MS; ; await sleep(50)) {
      const states = await Promise.all(names.map((name) => this.nodeState(name)));
      if (states.every(isReached)) return;
      if (Date.now() > end) throw new Error(`the nodes are ${states.join(', ')}: see ${this.folder}/log`);
    }
  }
}
