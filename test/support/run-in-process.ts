import { Writable } from 'node:stream';
import { type Finished, ROOT, type RunOptions } from './command.js';
import { setEnvironment } from './environment.js';

/** Variables that a process reads only once: a command with its own needs a process. */
const READ_ONCE = ['TMPDIR'];

/** The working directory and environment that this process has for commands, how many run, and how to go back. */
let place: { readonly key: string; users: number; readonly leave: () => void } | undefined;

/** Whether a command can run in this process now: those that run in it have one working directory and environment. */
export const canRunInProcess = (options: RunOptions): boolean =>
  READ_ONCE.every((name) => !(name in (options.env ?? {}))) && (!place || place.key === keyOf(options));

/** Runs the built `metalab` in this process. A process of its own takes 0.2 to 0.5 s of processor time to load it. */
export async function runInProcess(args: readonly string[], options: RunOptions): Promise<Finished> {
  place ??= enter(options);
  const here = place;
  here.users++;
  try {
    const { runMetalab } = await loadBuilt();
    const stdout = new Output();
    const stderr = new Output();
    const code = await runMetalab(args, {
      stdout: asStream(stdout),
      stderr: asStream(stderr),
      env: process.env,
    });
    return { code, signal: null, stdout: stdout.text, stderr: stderr.text };
  } finally {
    here.users--;
    if (here.users === 0) here.leave();
  }
}

const keyOf = ({ cwd = ROOT, env = {} }: RunOptions) => JSON.stringify([cwd, Object.entries(env).sort()]);

function enter(options: RunOptions): NonNullable<typeof place> {
  const cwd = process.cwd();
  const before = { ...process.env };
  process.chdir(options.cwd ?? ROOT);
  setEnvironment(withoutUndefined({ ...before, NO_COLOR: '1', ...options.env }));
  const leave = () => {
    place = undefined;
    process.chdir(cwd);
    setEnvironment(before);
  };
  return { key: keyOf(options), users: 0, leave };
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
