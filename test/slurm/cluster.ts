import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFinished } from 'vitest';
import type { SweepStatus } from '../../src/client/status/sweep-status.js';
import type { RunRecord } from '../../src/definition/record.js';
import type { OwnedRig } from '../rig/start.mjs';
import { useRig } from '../rig/use-rig.js';
import { useOwnWorkers } from '../support/engine.js';
import { workflowOf } from '../support/engine-status.js';
import {
  type Finished,
  metalab,
  type RunOptions,
  type SubmitLine,
  startMetalab,
} from '../support/metalab.js';
import { Project } from '../support/project.js';
import { recordsIn } from '../support/records.js';

/** What a test's experiment differs in from the plainest: `counted:1`, one run for each x. */
export interface CountedParts {
  /** A list, or how many: 0, 1, … */
  readonly xs: number | readonly number[];
  /** What a run does after it has noted its execution; `params`, `capture` and `runtime` are in scope. */
  readonly body?: string;
  /** Further properties of the experiment. */
  readonly properties?: string;
}

/** A sweep whose runs note each execution in a file that all nodes share: x, the slot's pid, the job, the node. */
function countedExperiment(project: Project, { xs, body = '', properties = '' }: CountedParts): string {
  const list = typeof xs === 'number' ? Array.from({ length: xs }, (_, x) => x) : xs;
  return `
    import { appendFileSync, existsSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { experiment, file, grid, operation, seeds } from 'metalab';
    export const counted = operation(async ({ params, context, capture, runtime }) => {
      const { SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: task, SLURMD_NODENAME: node } = process.env;
      appendFileSync(${JSON.stringify(project.path('executions'))}, [params.x, process.pid, job + '_' + task, node].join(' ') + '\\n');
      ${body}
      capture.metric('y', 2 * params.x);
    });
    export default experiment({
      name: 'counted', version: '1', operation: counted, params: grid({ x: ${JSON.stringify(list)} }), seeds: seeds({ base: 1 }),
      ${properties}
    });`;
}

export interface Execution {
  readonly x: number;
  /** The slot's. */
  readonly pid: number;
  /** Array and task, such as `7_0`. */
  readonly job: string;
  readonly node: string;
}

/** A sweep of a scientist whose `.metalab.toml` names the rig. */
export class ClusterProject {
  readonly project = new Project();
  readonly #cluster: RigCluster;

  constructor(cluster: RigCluster) {
    this.#cluster = cluster;
  }

  get store(): string {
    return this.project.store;
  }

  /** The spool: what the cluster sees is a folder of this machine's. */
  get spool(): string {
    return this.project.path('spool');
  }

  async write(counted: CountedParts, executor: readonly string[] = []): Promise<void> {
    await this.project.write({
      'counted.mjs': countedExperiment(this.project, counted),
      '.metalab.toml': [
        '[project]',
        'name = "faults"',
        'default_env = "cluster"',
        '[environments.cluster]',
        'type = "slurm"',
        'gateway = "rig"',
        `file_root = ${JSON.stringify(this.spool)}`,
        '[environments.cluster.executor]',
        ...executor,
        '',
      ].join('\n'),
    });
  }

  get #options(): RunOptions {
    return { cwd: this.project.folder, env: this.#cluster.env };
  }

  run(...args: readonly string[]) {
    return metalab(args, this.#options);
  }

  /** Submits, and follows until the end. */
  async finish(...args: readonly string[]): Promise<SubmitLine> {
    return outcomeIn(await this.run(...submission(args)));
  }

  /** The same in a process of its own, which goes on while the test does other things, and can be killed. */
  submit(...args: readonly string[]) {
    const child = startMetalab(submission(args), this.#options);
    const outcome = child.finished.then(outcomeIn);
    // Who cuts it off does not wait for it.
    outcome.catch(() => {});
    return Object.assign(child, { outcome });
  }

  async status(): Promise<SweepStatus> {
    const { stdout, stderr } = await this.run('status', 'counted', '--json');
    if (!stdout) throw new Error(`metalab status: ${stderr}`);
    return JSON.parse(stdout) as SweepStatus;
  }

  get executions(): readonly Execution[] {
    const path = this.project.path('executions');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return lines.map((line) => {
      const [x, pid, job, node] = line.split(' ');
      return { x: Number(x), pid: Number(pid), job: job!, node: node! };
    });
  }

  /** How often each x was executed. */
  get timesExecuted(): { readonly [x: string]: number } {
    const times: { [x: string]: number } = {};
    for (const { x } of this.executions) times[x] = (times[x] ?? 0) + 1;
    return times;
  }

  get records(): RunRecord[] {
    return existsSync(join(this.store, 'counted_1')) || this.#hasExperiment()
      ? recordsIn(this.store, 'counted:1')
      : [];
  }

  #hasExperiment(): boolean {
    return existsSync(this.store) && readdirSync(this.store).some((name) => name.startsWith('counted'));
  }

  /** Tokens of the arrays that were prepared. */
  get tokens(): string[] {
    if (!existsSync(this.spool)) return [];
    return readdirSync(this.spool, { recursive: true })
      .map(String)
      .flatMap((path) => /\/arrays\/([0-9a-f]{16}(?:-\d+)?)$/.exec(path)?.[1] ?? []);
  }

  /** The ids of the arrays that Slurm got, by token: squeue's memory and accounting's together. */
  async jobs(): Promise<{ readonly [token: string]: readonly string[] }> {
    const names = new Set(this.tokens.map((token) => `metalab-${token}`));
    const all = await this.#cluster.jobsByName();
    return Object.fromEntries(
      [...all].filter(([name]) => names.has(name)).map(([name, jobs]) => [name, [...jobs]]),
    );
  }

  /** That each run has one record, of this status, and that no array was submitted twice. @returns the records */
  async expectOnce(runs: number, status: RunRecord['status'] = 'success'): Promise<RunRecord[]> {
    const { records } = this;
    expect(records.map((record) => record.status)).toEqual(Array.from({ length: runs }, () => status));
    expect(new Set(records.map(({ run_id }) => run_id)).size).toBe(runs);
    await this.expectNoSecondSubmission();
    return records;
  }

  async expectNoSecondSubmission(): Promise<void> {
    const jobs = await this.jobs();
    expect(Object.values(jobs).filter((ids) => ids.length !== 1)).toEqual([]);
    expect(Object.keys(jobs).length).toBeGreaterThan(0);
  }
}

const submission = (args: readonly string[]) => ['submit', 'counted.mjs', ...args, '--json'];

function outcomeIn({ code, stdout, stderr }: Finished): SubmitLine {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`metalab submit left with ${code}: ${stderr}`);
  return JSON.parse(line) as SubmitLine;
}

/** A rig, reached by SSH, and workers of the test file's own. */
export class RigCluster {
  readonly rig: OwnedRig;
  readonly env: NodeJS.ProcessEnv;
  readonly #bin: string;

  constructor(rig: OwnedRig, workers: NodeJS.ProcessEnv) {
    this.rig = rig;
    this.env = {
      ...workers,
      METALAB_SSH_CONFIG: rig.gateway.sshConfig,
      METALAB_TEST_SECRET: 'of nobody else',
    };
    this.#bin = join(rig.folder, 'bin');
  }

  async project(counted: CountedParts, executor: readonly string[] = []): Promise<ClusterProject> {
    const project = new ClusterProject(this);
    await project.write(counted, executor);
    return project;
  }

  /**
   * Whoever logs in at the gateway finds this in place of a command.
   *
   * @param script of sh; `real` in it is the command itself
   * @returns what gives the command back
   */
  wrap(command: string, script: string): () => void {
    const login = join(this.rig.folder, 'ssh', 'login');
    if (!existsSync(this.#bin)) {
      mkdirSync(this.#bin);
      const [shebang, ...rest] = readFileSync(login, 'utf8').split('\n');
      writeFileSync(login, [shebang, `PATH='${this.#bin}':$PATH; export PATH`, ...rest].join('\n'));
    }
    const path = join(this.#bin, command);
    const real = `real() { PATH=\${PATH#*:} command ${command} "$@"; }`;
    writeFileSync(path, `#!/bin/sh\n${real}\n${script}\n`, { mode: 0o755 });
    const unwrap = () => rmSync(path, { force: true });
    onTestFinished(unwrap);
    return unwrap;
  }

  /** Every job that Slurm ever knew, by name. */
  async jobsByName(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const jobs = new Map<string, Set<string>>();
    const outputs = await Promise.all([
      this.rig.run(['squeue', '--states=all', '--noheader', '--format=%F %j']),
      this.rig.run([
        'sacct',
        '--allocations',
        '--duplicates',
        '--noheader',
        '--parsable2',
        '--delimiter= ',
        '--format=JobID,JobName',
      ]),
    ]);
    for (const line of outputs.flatMap(({ stdout }) => stdout.trim().split('\n'))) {
      const [id = '', name = ''] = line.split(' ');
      const job = /^\d+/.exec(id)?.[0];
      if (job) jobs.set(name, (jobs.get(name) ?? new Set()).add(job));
    }
    return jobs;
  }

  /** What is in the queue. */
  async queue(): Promise<string[]> {
    const { stdout } = await this.rig.run(['squeue', '--noheader', '--format=%i %T']);
    return stdout.trim().split('\n').filter(Boolean);
  }

  /** What the Temporal UI shows of a sweep in progress. */
  async workflowDetails(sweep: ClusterProject): Promise<string> {
    const workflow = await workflowOf(sweep.store, 'counted:1', this.env);
    const told = await workflow.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    return told.currentDetails;
  }

  /** As somebody does in the Temporal UI. */
  async terminate(sweep: ClusterProject): Promise<void> {
    await (await workflowOf(sweep.store, 'counted:1', this.env)).terminate('by mistake');
  }
}

/** A rig and workers for a test file: gone after it. */
export async function useCluster(options: Parameters<typeof useRig>[0] = {}): Promise<RigCluster> {
  const rig = await useRig(options);
  const workers = await useOwnWorkers();
  afterAll(async () => {
    const { stdout } = await metalab(['engine', 'stop', '--json'], { env: workers });
    // A connection to the cluster that nobody closes keeps it from ending by itself.
    expect(stdout).not.toContain('killed');
  });
  return new RigCluster(rig, workers);
}

export { sleep };
