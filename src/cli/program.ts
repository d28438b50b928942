import { Argument, Command, CommanderError, Option } from 'commander';
import { DEFAULT_STORE } from '../config/paths.js';
import type { CommandDefinition, CommonOptions, OptionDefinition } from './command.js';
import { formatSystemError } from './format/format-system-error.js';
import { EXIT, exitCodeOf, formatError } from './format/report-error.js';
import { type Choice, colorsFor, createContext, type Terminal } from './terminal/context.js';
import { calledAs, commandNamer } from './terminal/invocation.js';

interface ParsedOptions extends CommonOptions, Choice {}

/** The streams that a command prints to, and how it names commands. */
interface Dependencies {
  readonly terminal: Terminal;
  /** How the user called metalab. */
  readonly called: string;
  readonly named: (text: string) => string;
}

/** Results that a command leaves for the caller: commander can't return a command's result. */
interface Outcome {
  exitCode: number;
  verbose: boolean;
}

/** The commands by their names. To load all of them takes 0.1 s. */
export type CommandTable = Readonly<Record<string, () => Promise<CommandDefinition>>>;

/** Makes the commander program of these commands. */
function buildProgram(
  commands: readonly CommandDefinition[],
  version: string,
  outcome: Outcome,
  dependencies: Dependencies,
): Command {
  const { called, terminal } = dependencies;
  const program = new Command(called)
    .description(
      'Durable experiments: operation × params × seeds. Finished runs are never lost or repeated, whatever is killed.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError(`(${called} --help lists the commands)`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    })
    .addHelpText('after', `\n${called} COMMAND --help shows the options and examples of each.`);
  for (const definition of commands) addCommand(program, definition, outcome, dependencies, called);
  return program;
}

/**
 * Runs a command line. Of the commands, it loads the one that is called; all for the help, or for a mistyped name.
 *
 * @param argv the arguments after `node` and the program
 * @returns the exit code
 */
export async function runProgram(
  table: CommandTable,
  argv: readonly string[],
  version: string,
  terminal: Terminal = process,
): Promise<number> {
  const called = calledAs({ script: process.argv[1], cwd: process.cwd(), env: terminal.env });
  const named = commandNamer(Object.keys(table), called);
  const outcome: Outcome = { exitCode: EXIT.success, verbose: false };
  try {
    const commands = await loadCommands(table, argv[0]);
    const program = buildProgram(commands, version, outcome, { terminal, called, named });
    await program.parseAsync(argv, { from: 'user' });
    return outcome.exitCode;
  } catch (thrown) {
    const error = formatSystemError(thrown);
    // Commander has already printed its own errors and help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    const color = colorsFor(terminal.stderr, terminal.env);
    terminal.stderr.write(`${named(formatError(error, { verbose: outcome.verbose, color }))}\n`);
    return exitCodeOf(error);
  }
}

function loadCommands(table: CommandTable, called: string | undefined): Promise<CommandDefinition[]> {
  const load = called !== undefined && Object.hasOwn(table, called) ? table[called] : undefined;
  return Promise.all((load ? [load] : Object.values(table)).map((each) => each()));
}

function addCommand(
  parent: Command,
  definition: CommandDefinition,
  outcome: Outcome,
  dependencies: Dependencies,
  prefix: string,
): void {
  const command = parent.command(definition.name, { hidden: definition.hidden ?? false });
  command.summary(definition.summary);
  // Line breaks of the source are removed, because the terminal has its own width.
  const description = definition.description?.replace(/(\S)\n(?=\S)/g, '$1 ');
  command.description([`${definition.summary}.`, description].filter(Boolean).join('\n\n'));
  command.showHelpAfterError(`(${prefix} ${definition.name} --help says more)`);
  for (const argument of definition.arguments ?? []) {
    const { optional, description } = argument;
    const name = argument.variadic ? `${argument.name}...` : argument.name;
    command.addArgument(new Argument(optional ? `[${name}]` : `<${name}>`, description));
  }
  for (const option of definition.options ?? []) command.addOption(optionOf(option));
  if (definition.store) {
    command.option(
      '--store <store>',
      `path or uri of the store (default: METALAB_STORE, else the environment's, else ${DEFAULT_STORE})`,
    );
  }
  if (definition.store || definition.env) {
    command.option(
      '--env <name>',
      'environment of .metalab.toml (default: METALAB_ENV, else its default_env, else local)',
    );
  }
  if (definition.json) command.option('--json', 'print data as JSON');
  for (const subcommand of definition.subcommands ?? []) {
    addCommand(command, subcommand, outcome, dependencies, `${prefix} ${definition.name}`);
  }
  const { run } = definition;
  if (run) {
    command.option('-v, --verbose', 'print more detail; show where errors come from');
    command.action(() => act(definition, command, outcome, dependencies));
  }
  command.addHelpText('after', exampleText(definition, dependencies.called));
}

async function act(
  definition: CommandDefinition,
  command: Command,
  outcome: Outcome,
  { terminal, named }: Dependencies,
): Promise<void> {
  const { store, env, ...options } = command.opts<ParsedOptions>();
  outcome.verbose = options.verbose ?? false;
  const args = Object.fromEntries(
    (definition.arguments ?? []).map(({ name }, index) => [name, command.args[index]]),
  );
  const choice =
    definition.store || definition.env
      ? { ...(store === undefined ? {} : { store }), ...(env === undefined ? {} : { env }) }
      : undefined;
  const context = await createContext(choice, terminal, named);
  try {
    outcome.exitCode = (await definition.run?.(args, options, context, command.args)) ?? EXIT.success;
  } finally {
    context.close();
  }
}

function optionOf(definition: OptionDefinition): Option {
  const { flags, description, parse = (text: string): unknown => text, repeatable } = definition;
  const option = new Option(flags, description);
  if (definition.default !== undefined) option.default(definition.default);
  if (option.isBoolean()) return option;
  return option.argParser<unknown>((text, previous) =>
    repeatable ? [...(Array.isArray(previous) ? previous : []), parse(text)] : parse(text),
  );
}

function exampleText({ examples }: CommandDefinition, called: string): string {
  if (examples.length === 0) return '';
  const width = Math.max(...examples.map(({ line }) => line.length));
  const lines = examples.map(({ line, does }) => `  ${called} ${line.padEnd(width)}  ${does}`);
  return `\nExamples:\n${lines.join('\n')}`;
}
