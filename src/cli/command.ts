import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { Capability } from '../storage/capabilities.js';
import type { FileStore } from '../storage/file/file-store.js';
import type { OpenOptions } from '../storage/file/open.js';
import type { ResultsStore } from '../storage/store.js';
import type { LiveArea } from './terminal/live-area.js';

/** A positional argument: required unless `optional`. The last may be `variadic`: one or more. */
export interface ArgumentDefinition {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  readonly variadic?: boolean;
}

/** An option, as commander writes it: `--limit <n>`, `--follow`, `-v, --verbose`. */
export interface OptionDefinition {
  readonly flags: string;
  readonly description: string;
  readonly default?: string | number | boolean;
  /** May be given several times: its value is the list of them. */
  readonly repeatable?: boolean;
  /**
   * Parses the value.
   *
   * @throws UsageError saying what was expected
   */
  readonly parse?: (text: string) => unknown;
}

/** What every command has in addition to its own options. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/**
 * One entry of the command table. Its modules are imported lazily inside `run`, so that `metalab --help` is fast: only
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
  /** Whether it has `--env`, without `--store`. */
  readonly env?: boolean;
  /** Whether it has `--json`: it prints data. */
  readonly json?: boolean;
  /** Hidden from the list of commands: for metalab's own use. */
  readonly hidden?: boolean;
  /** For `engine start` and similar: a command with subcommands has no `run` of its own. */
  readonly subcommands?: readonly CommandDefinition[];
  /**
   * @param args the positional arguments, by name
   * @param words all of them, in order: for a variadic one
   * @returns the exit code, if it is not 0
   */
  // A method, so that a command with its own type of options fits the table.
  run?(
    args: CommandArguments,
    options: Options,
    context: CommandContext,
    words: readonly string[],
  ): Promise<number | undefined>;
}

export type CommandArguments = { readonly [name: string]: string | undefined };

/** What a command may use of its process. */
export interface CommandContext {
  /** The store that `--store`, METALAB_STORE, the environment or the default names: a path or a uri. */
  readonly storeLocation: string;
  /** The same, and where it is `discover`, where the store is. @throws UsageError METALAB_STORE_DISCOVER */
  location(): Promise<string>;
  /** The value of `--env`, if given. */
  readonly namedEnvironment: string | undefined;
  /** The environment that `--env`, METALAB_ENV, the configuration or the default names. */
  environment(): Promise<ResolvedEnvironment>;
  /** Opens that store, once. @throws UsageError where it is no folder, and so lacks what the command needs */
  store(options?: OpenOptions & { readonly needs?: Capability }): Promise<FileStore>;
  /** The same for commands that only read results. @throws UsageError where its results can't be queried */
  resultsStore(): Promise<ResultsStore>;
  /** A command line for hints: metalab as the user called it, with the `--store` and `--env` of this command. */
  command(words: string): string;
  /** Rewrites the commands in a text to how the user called metalab, for text that `note` does not print. */
  named(text: string): string;
  /** A line of results, to stdout. */
  out(text: string): void;
  /** Unchanged text or bytes, to stdout. Resolves when more can be written. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** A message, to stderr; commands in it are rewritten to how the user called metalab. */
  note(text: string): void;
  /** Progress at the end of stderr. */
  readonly live: LiveArea;
  readonly color: Colors;
  /** Width of the terminal in columns; `Infinity` if stdout is not a terminal. */
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
