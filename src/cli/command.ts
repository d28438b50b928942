import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { Store } from '../storage/store.js';
import type { LiveArea } from './terminal/live-area.js';

/** A positional argument: required unless `optional`. */
export interface ArgumentDefinition {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
}

/** An option, as commander writes it: `--limit <n>`, `--follow`, `-v, --verbose`. */
export interface OptionDefinition {
  readonly flags: string;
  readonly description: string;
  readonly default?: string | number | boolean;
  /** May be given several times: its value is the list of them. */
  readonly repeatable?: boolean;
  /**
   * Makes the value from its text.
   *
   * @throws UsageError saying what was expected
   */
  readonly parse?: (text: string) => unknown;
}

/** What every command has beside its own options. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/**
 * One entry of the command table. Its modules are imported lazily inside `run`, so that `metalab --help` is quick: only
 * types may be imported at the top of a command's file.
 */
export interface CommandDefinition<Options extends CommonOptions = CommonOptions> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Further sentences, for the command's own help. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentDefinition[];
  readonly options?: readonly OptionDefinition[];
  /** Command lines without `metalab`, and what each does. At least one. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Whether it has `--store` and `--env`. */
  readonly store?: boolean;
  /** Whether it has `--json`: it prints data. */
  readonly json?: boolean;
  /** Not in the list of commands: for metalab's own use. */
  readonly hidden?: boolean;
  /** `engine start`: a command with subcommands has no `run` of its own. */
  readonly subcommands?: readonly CommandDefinition[];
  /**
   * @param args the positional arguments, by name
   * @returns the exit code, where it is not 0
   */
  // A method, so that a command with options of its own fits the table.
  run?(args: CommandArguments, options: Options, context: CommandContext): Promise<number | undefined>;
}

export type CommandArguments = { readonly [name: string]: string | undefined };

/** What a command gets of its surroundings. */
export interface CommandContext {
  /** The store that `--store`, METALAB_STORE, the environment or the default names: a path or a uri. */
  readonly storeLocation: string;
  /** What `--env` says, where it is given. */
  readonly namedEnvironment: string | undefined;
  /** The environment that `--env`, METALAB_ENV, the configuration or the default names. */
  environment(): Promise<ResolvedEnvironment>;
  /** Opens that store, once; it is closed after the command. */
  store(options?: { readonly create?: boolean }): Promise<Store>;
  /** A command line for hints: as metalab was called, with the `--store` and `--env` that this command was given. */
  command(words: string): string;
  /** Text with the commands in it named as metalab was called, where `note` does not see to it. */
  named(text: string): string;
  /** A line of results, to stdout. */
  out(text: string): void;
  /** Text or bytes to stdout as they are. Resolves when more can be written. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** A line about what happens, to stderr; commands in it are named as metalab was called. */
  note(text: string): void;
  /** Progress at the end of stderr. */
  readonly live: LiveArea;
  readonly color: Colors;
  /** Width of the terminal in columns; `Infinity` where stdout is none. */
  readonly width: number;
  /** Whether stdout is a terminal. */
  readonly interactive: boolean;
  /** Aborts at Ctrl-C; a second Ctrl-C ends the process. */
  readonly interrupted: AbortSignal;
}

/** The styles that the commands use. */
export type Colors = {
  readonly [style in 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan']: (text: string) => string;
};
