import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MetalabError } from '../../definition/errors.js';
import { pickEnvironment } from '../../definition/run-environment.js';

/** What a child computes. */
export interface DeriveSetup {
  /** The experiment's folder in the store. */
  readonly folder: string;
  /** Path of the derivations' code, and the packages with native code that it needs. */
  readonly bundle: string;
  readonly native: readonly string[];
  /** The fingerprint of each derivation's code. */
  readonly codes: { readonly [derivation: string]: string };
  /** The derivation of each metric that other derivations have. */
  readonly owners: readonly (readonly [string, string])[];
  /** How long a derivation may take for a run, milliseconds. */
  readonly limit_ms: number;
}

/** Some runs of one segment of records. */
export interface DeriveTask {
  readonly segment: string;
  readonly runs: readonly { readonly offset: number; readonly derivations: readonly string[] }[];
}

export type DeriveRequest = DeriveSetup | DeriveTask;

export type DeriveAnswer =
  | {
      readonly done: number;
      /** The derivation of each metric that is known. */
      readonly owners: readonly (readonly [string, string])[];
      readonly failed: readonly {
        readonly run_id: string;
        readonly derivation: string;
        readonly message: string;
      }[];
    }
  | { readonly failure: string };

/** A process that computes derived metrics, for some runs at a time. It ends with this one. */
export class DeriveProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  /** @param cwd the folder of the file that declares the derivations */
  constructor(cwd: string) {
    this.#child = fork(fileURLToPath(new URL('./derive-main.js', import.meta.url)), [], {
      cwd,
      env: pickEnvironment(process.env, []),
      // stdout is for the command's own output.
      stdio: ['ignore', 2, 2, 'ipc'],
      execArgv: ['--enable-source-maps'],
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('close', (code, signal) =>
        resolve(signal ? `was ended by ${signal}` : `exited with code ${code}`),
      );
    });
  }

  /** @throws MetalabError if the code can't be imported, the store can't be written, or the process ended */
  async ask(request: DeriveRequest): Promise<Exclude<DeriveAnswer, { failure: string }>> {
    const answered = new Promise<DeriveAnswer>((resolve) =>
      this.#child.once('message', (answer) => resolve(answer as DeriveAnswer)),
    );
    this.#child.send(request, () => {});
    const ended = this.#ended.then((how) => ({
      failure: `the process that computes derived metrics ${how}`,
    }));
    const answer = await Promise.race([answered, ended]);
    if (!('failure' in answer)) return answer;
    throw new MetalabError({
      code: 'METALAB_DERIVE',
      where: 'derive',
      what: answer.failure,
      next: 'what is computed is kept: the same command continues from there',
    });
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
