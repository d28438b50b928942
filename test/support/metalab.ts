import { type ChildProcess, spawn } from 'node:child_process';
import { type Finished, ROOT, type RunOptions } from './command.js';
import { canRunInProcess, runInProcess } from './run-in-process.js';

export { type Finished, ROOT, type RunOptions } from './command.js';

const PROGRAM = `${ROOT}bin/metalab.js`;

/** Starts the built `metalab`, as a user would. */
export function startMetalab(
  args: readonly string[],
  options: RunOptions = {},
): ChildProcess & { readonly finished: Promise<Finished>; stderrSoFar(): string } {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return Object.assign(child, { finished, stderrSoFar: () => output.stderr });
}

/**
 * Runs the built `metalab` to its end: in this process where it can, else in one of its own. What its child processes print
 * themselves is not in the result.
 */
export const metalab = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
  canRunInProcess(options) ? runInProcess(args, options) : startMetalab(args, options).finished;

/** Submits, and reads the JSON line that `submit --json` ends with. */
export async function submitJson(args: readonly string[], options?: RunOptions) {
  const finished = await metalab(['submit', ...args, '--json'], options);
  const line = finished.stdout.trim().split('\n').at(-1) ?? '';
  const outcome = line.startsWith('{') ? (JSON.parse(line) as SubmitLine) : undefined;
  return { ...finished, outcome };
}

export interface SubmitLine {
  readonly experiment: string;
  readonly workflow_id: string;
  readonly submission: string;
  readonly total: number;
  readonly reused: number;
  readonly executed: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly duration_ms: number;
  readonly store: string;
}

/** The results table as its JSON: one array of records. */
export async function resultsJson(
  experiment: string,
  store: string,
  more: readonly string[] = [],
  options: RunOptions = {},
) {
  const args = ['results', experiment, '--store', store, '--json', ...more];
  const { stdout, stderr, code } = await metalab(args, options);
  if (code !== 0) throw new Error(`metalab results: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>[];
}
