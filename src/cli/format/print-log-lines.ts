import type { StoredLogLine } from '../../storage/file/formats/logs.js';
import type { CommandContext } from '../command.js';

const BUFFER_CHARACTERS = 64 * 1024;

/** Formats a run's log lines, with a heading line at the start of each further attempt. */
export class LinePrinter {
  readonly #context: CommandContext;
  readonly #paint: { readonly [level in StoredLogLine['level']]: (text: string) => string };
  #last: StoredLogLine | undefined;
  readonly #headed: boolean;

  /** @param options.headed whether the first attempt has a heading, too */
  constructor(context: CommandContext, options: { readonly headed: boolean } = { headed: false }) {
    const { color } = context;
    this.#context = context;
    this.#headed = options.headed;
    this.#paint = {
      debug: color.dim,
      warn: color.yellow,
      error: color.red,
      info: color.cyan,
      stdout: color.dim,
      stderr: color.yellow,
    };
  }

  /** Prints lines as they arrive, no faster than they are read. @returns whether there were any */
  async print(lines: AsyncIterable<StoredLogLine>): Promise<boolean> {
    let buffer = '';
    for await (const line of lines) {
      buffer += `${this.format(line)}\n`;
      if (buffer.length < BUFFER_CHARACTERS) continue;
      await this.#context.write(buffer);
      buffer = '';
    }
    if (buffer !== '') await this.#context.write(buffer);
    return this.#last !== undefined;
  }

  format(line: StoredLogLine): string {
    const { color } = this.#context;
    const { at, level, message } = line;
    const heading = this.#startsAttempt(line) ? `${color.bold(headingOf(line))}\n` : '';
    this.#last = line;
    return `${heading}${color.dim(at)} ${this.#paint[level](level.padEnd(6))} ${message}`;
  }

  #startsAttempt({ generation, attempt, slot }: StoredLogLine): boolean {
    const last = this.#last;
    if (!last) return this.#headed;
    return last.generation !== generation || last.attempt !== attempt || last.slot !== slot;
  }
}

const headingOf = ({ generation, attempt, slot }: StoredLogLine) =>
  `== attempt ${attempt}${generation > 0 ? ` of generation ${generation}` : ''}, slot ${slot} ==`;
