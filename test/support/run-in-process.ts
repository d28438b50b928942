import { Writable } from 'node:stream';
import { restoreEnvironment } from './environment.js';
import { type Finished, ROOT, type RunOptions } from './metalab.js';

/** Read once in a process. */
const KEPT = ['TMPDIR'];

let runs = false;

/** Whether a command can run in this process now: one at a time, since it has one working directory and environment. */
export const canRunInProcess = ({ env = {} }: RunOptions): boolean =>
  !runs && KEPT.every((name) => !(name in env));

/** Runs the built `metalab` in this process. A process of its own takes 0.2 to 0.5 s of processor time to load it. */
export async function runInProcess(args: readonly string[], options: RunOptions): Promise<Finished> {
  runs = true;
  const cwd = process.cwd();
  const before = { ...process.env };
  const stdout = new Output();
  const stderr = new Output();
  try {
    process.chdir(options.cwd ?? ROOT);
    restoreEnvironment(withoutUndefined({ ...before, NO_COLOR: '1', ...options.env }));
    const { runMetalab } = await loadBuilt();
    const code = await runMetalab(args, {
      stdout: asStream(stdout),
      stderr: asStream(stderr),
      env: process.env,
    });
    return { code, signal: null, stdout: stdout.text, stderr: stderr.text };
  } finally {
    process.chdir(cwd);
    restoreEnvironment(before);
    runs = false;
  }
}

const loadBuilt = (): Promise<typeof import('../../src/cli/run-metalab.js')> =>
  import(/* @vite-ignore */ `${ROOT}dist/cli/run-metalab.js`);

/** Keeps what is written to it. It is no terminal. */
class Output extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

// Commands use no more of a stream that is no terminal.
const asStream = (output: Output) => output as unknown as NodeJS.WriteStream;

const withoutUndefined = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
