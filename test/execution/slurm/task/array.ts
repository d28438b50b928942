import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  countPositions,
  mergeRanges,
  type PositionRange,
} from '../../../../src/definition/position-range.js';
import {
  arrayFolder,
  arraySpecFile,
  freeFolder,
  taskEndFile,
  taskLiveFile,
} from '../../../../src/execution/slurm/task/array-files.js';
import type { ArraySpec, TaskEnd, TaskLive } from '../../../../src/execution/slurm/task/array-spec.js';
import { ROOT } from '../../../support/metalab.js';
import type { Sweep } from '../../local/sweep.js';

/** A Slurm array of a sweep, whose tasks the test starts as Slurm would: with its variables, and by its signals. */
export class TestArray {
  readonly folder: string;
  readonly spec: ArraySpec;

  constructor(sweep: Sweep, spec: Partial<ArraySpec> = {}, token = '0123456789abcdef') {
    const ranges = spec.ranges ?? [{ from: 0, to: sweep.positions }];
    this.spec = {
      token,
      submission: 's1',
      experiment_id: 'sweep:1',
      declaration: sweep.declared,
      environment: 'cluster',
      ranges,
      tasks: 1,
      slots: 1,
      budget_ms: null,
      timeout_ms: sweep.declaration.timeout_ms,
      memory_bytes: sweep.declaration.memory_bytes,
      files: {},
      metalab: '0.0.0',
      ...spec,
    };
    this.folder = arrayFolder(sweep.folder, 's1', token);
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(arraySpecFile(this.folder), JSON.stringify(this.spec));
  }

  /** Starts a task as Slurm does. Ended after the test. */
  start(task = 0, options: { readonly restart?: number; readonly env?: NodeJS.ProcessEnv } = {}): Task {
    const { restart = 0, env = {} } = options;
    const child = spawn(process.execPath, [join(ROOT, 'dist', 'task.mjs'), this.folder], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        SLURM_ARRAY_JOB_ID: '12',
        SLURM_JOB_ID: String(12 + task),
        SLURM_ARRAY_TASK_ID: String(task),
        SLURMD_NODENAME: 'n1',
        SLURM_JOB_PARTITION: 'debug',
        ...(restart > 0 ? { SLURM_RESTART_COUNT: String(restart) } : {}),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return new Task(child);
  }

  /** Runs a task to its end. */
  async run(task = 0, options?: Parameters<TestArray['start']>[1]): Promise<TaskEnd> {
    await this.start(task, options).finished;
    return this.end(task, options?.restart);
  }

  end(task = 0, restart = 0): TaskEnd {
    return JSON.parse(readFileSync(taskEndFile(this.folder, task, restart), 'utf8')) as TaskEnd;
  }

  hasEnd(task = 0, restart = 0): boolean {
    return existsSync(taskEndFile(this.folder, task, restart));
  }

  /** What no task has taken, of the array's positions, counted from 0. */
  free(): PositionRange[] {
    const folder = freeFolder(this.folder);
    if (!existsSync(folder)) return this.spec.ranges.length === 1 ? [this.whole] : [];
    const ranges = readdirSync(folder).map((name) => name.split('-').map(Number));
    return mergeRanges(
      ranges.map(([from, to]) => ({ from: from!, to: to! })).filter(({ from, to }) => from < to),
    );
  }

  /** What nobody has done, after a task has ended. */
  left(task = 0): PositionRange[] {
    return mergeRanges([...this.free(), ...(this.end(task).holds ?? [])]);
  }

  get whole(): PositionRange {
    return { from: 0, to: countPositions(this.spec.ranges) };
  }

  live(task = 0): TaskLive | undefined {
    const path = taskLiveFile(this.folder, task);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as TaskLive) : undefined;
  }
}

export class Task {
  readonly process: ChildProcess;
  readonly finished: Promise<{ readonly code: number | null; readonly output: string }>;

  constructor(child: ChildProcess) {
    this.process = child;
    let output = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    this.finished = new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

/** Writes a file that the declaration or the spool names. */
export function writeInto(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
