import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { SlurmEnvironment, SlurmExecutorConfig } from '../../../src/config/resolved-config.js';
import type { ServicePlugin } from '../../../src/services/plugin.js';
import { ServicePlugins } from '../../../src/services/plugins.js';
import type { ServiceSpec } from '../../../src/services/service.js';
import { SlurmServices } from '../../../src/services/slurm/slurm-services.js';
import { samplePlugin, sampleSpec } from '../../../src/testing/sample-service.js';
import { createSshTransport } from '../../../src/transport/ssh/ssh-transport.js';
import type { Transport } from '../../../src/transport/transport.js';
import { cancelAllJobs, useRig } from '../../rig/use-rig.js';

export const PATIENCE = { timeout: 150_000, interval: 100 };
const metalabs = new ServicePlugins(tmpdir());

const pluginOf = async (name: string): Promise<ServicePlugin> =>
  (await samplePlugin(name)) ?? (await metalabs.require(name)).item;

/** What one of metalab's own services is when its table is empty. */
export async function metalabSpecOf(name: string): Promise<ServiceSpec> {
  const { item } = await metalabs.require(name);
  const parsed = item.schema.safeParse({});
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues));
  return { name, config: parsed.data, resources: item.resources(parsed.data), consumes: item.consumes };
}

export const BOTH = [sampleSpec('store'), sampleSpec('board')];

/** A cluster of the test file's own, and services on it, reached through its gateway. */
export async function useClusterServices(options: Parameters<typeof useRig>[0] = {}) {
  const rig = await useRig(options);
  const made: ClusterServices[] = [];
  afterEach(async () => {
    rig.thawGatewaySessions();
    await rig.startGateway();
    await cancelAllJobs(rig);
    for (const services of made.splice(0)) await services.remove();
  });
  const servicesOf = (executor: Partial<SlurmExecutorConfig> = {}) => {
    const services = new ClusterServices(rig, executor);
    made.push(services);
    return services;
  };
  /** Names and states of the jobs that are in the queue. */
  const queue = async () =>
    (await rig.run(['squeue', '--noheader', '--format=%F %j %T'])).stdout.trim().split('\n').filter(Boolean);
  return { rig, servicesOf, queue };
}

type Rig = Awaited<ReturnType<typeof useRig>>;

/** A project's services: what this machine keeps of them, and the folder on the cluster. */
export class ClusterServices {
  readonly root = mkdtempSync(join(tmpdir(), 'metalab-services-'));
  readonly fileRoot: string;
  readonly progress: string[] = [];
  readonly #rig: Rig;
  readonly #environment: SlurmEnvironment;
  readonly #opened: SlurmServices[] = [];
  readonly #transports: Transport[] = [];

  constructor(rig: Rig, executor: Partial<SlurmExecutorConfig>) {
    this.#rig = rig;
    this.fileRoot = join(this.root, "spool of 100% ü'");
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.root, 'ssh-config'), '');
    this.#environment = {
      ...{ name: 'rig', type: 'slurm', file_root: this.fileRoot, services: {} },
      executor: { modules: [], setup: [], extra_sbatch: [], ...executor },
    };
  }

  get folder(): string {
    return join(this.root, 'home', 'project-1', 'rig');
  }

  /** Where a service's data are. */
  data(name: string): string {
    return join(this.fileRoot, 'services', 'project-1', 'rig', 'data', name);
  }

  /** Writes a file of the services' folder on the cluster. */
  write(name: string, content: string): void {
    writeFileSync(join(this.data(''), '..', name), content);
  }

  /** Reads a file of the services' folder on the cluster. */
  read(name: string): string {
    return readFileSync(join(this.data(''), '..', name), 'utf8');
  }

  /** A transport to the cluster. */
  connect(): Transport {
    const { host, port, user, key, knownHosts } = this.#rig.gateway;
    const transport = createSshTransport(
      { host, port, user, ssh_key: key },
      {
        configFile: join(this.root, 'ssh-config'),
        knownHostsFile: knownHosts,
        env: { HOME: this.root },
        backOff_ms: [100, 1_000],
        keepAlive_ms: 1_000,
        connectTimeout_ms: 5_000,
      },
    );
    this.#transports.push(transport);
    return transport;
  }

  /** The environment, as another process of this machine opens it. */
  open(plugin = pluginOf): SlurmServices {
    const options = {
      environment: this.#environment,
      folder: this.folder,
      plugin,
      ...{ store: undefined, file_root: join(this.root, 'experiments'), env: process.env },
    };
    const opened = new SlurmServices(options, this.connect());
    this.#opened.push(opened);
    return opened;
  }

  options(signal: AbortSignal = new AbortController().signal) {
    return { signal, onProgress: (line: string) => void this.progress.push(line) };
  }

  async remove(): Promise<void> {
    for (const services of this.#opened) await services.close();
    for (const transport of this.#transports) await transport.close();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Processes whose command line contains a text. */
export function processesWith(text: string): number[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && !match[2]!.startsWith('Z') && match[3]!.includes(text))
    .map((match) => Number(match![1]));
}
