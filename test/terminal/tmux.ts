import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { ROOT } from '../support/metalab.js';

const run = promisify(execFile);

export interface ScreenOptions {
  /** With its colours, as escape sequences. */
  readonly colors?: boolean;
}

/** A real terminal, by tmux, with a shell in it in which `metalab` is the built program. Ended after the test. */
export class Terminal {
  readonly #socket = `metalab-test-${randomBytes(4).toString('hex')}`;

  static async open(cwd: string, columns: number, env: { readonly [name: string]: string } = {}) {
    const terminal = new Terminal();
    const { NO_COLOR: _, ...inherited } = process.env;
    const size = ['-x', String(columns), '-y', '30'];
    await run(
      'tmux',
      [
        '-L',
        terminal.#socket,
        '-f',
        '/dev/null',
        'new-session',
        '-d',
        ...size,
        '-c',
        cwd,
        'bash --norc --noprofile',
      ],
      {
        env: { ...inherited, ...env, PS1: '$ ', LC_ALL: 'C.UTF-8' },
      },
    );
    onTestFinished(() => terminal.#tmux('kill-server').then(() => {}));
    await terminal.type(`metalab() { '${process.execPath}' '${ROOT}bin/metalab.js' "$@"; }; PS1='$ '; clear`);
    await terminal.waitFor(/^\$ *$/);
    return terminal;
  }

  /** Types a line, with its Enter. */
  async type(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line);
    await this.#tmux('send-keys', 'Enter');
  }

  /** Presses a key, such as `C-c`. */
  async press(key: string): Promise<void> {
    await this.#tmux('send-keys', key);
  }

  /** What is on the screen, without empty lines at its end. */
  async screen({ colors = false }: ScreenOptions = {}): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', ...(colors ? ['-e'] : []))).trimEnd();
  }

  /** As `screen`, with lines that the terminal had to wrap as one. */
  async unwrapped(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', '-J')).trimEnd();
  }

  /** Looks until the screen is as expected, and returns all different screens that it saw on the way. */
  async waitFor(expected: RegExp, withinMs = 30_000): Promise<string[]> {
    const seen: string[] = [];
    const start = performance.now();
    // Each look starts a program: when nothing comes soon, looking takes less of the processors.
    const pause = () => sleep(performance.now() - start < 5_000 ? 50 : 250);
    for (const end = start + withinMs; performance.now() < end; await pause()) {
      const screen = await this.screen();
      if (screen !== seen.at(-1)) seen.push(screen);
      if (expected.test(screen)) return seen;
    }
    throw new Error(`the screen never showed ${expected}:\n${seen.slice(-5).join('\n=====\n')}`);
  }

  async #tmux(command: string, ...args: readonly string[]): Promise<string> {
    return (await run('tmux', ['-L', this.#socket, command, ...args])).stdout;
  }
}
