import type { ExplainedValue, ProjectConfig } from '../../config/project-config.js';
import type { ResolvedConfig } from '../../config/resolved-config.js';
import { DefinitionError } from '../../definition/errors.js';
import { maskPassword } from '../../storage/postgresql/settings.js';
import type { CommandDefinition } from '../command.js';
import { EXIT } from '../format/report-error.js';
import { cleanCommand } from './env/clean.js';
import { loginCommand } from './env/login.js';

const CHOSEN = {
  name: 'name',
  description: 'environment (default: the one that a submit would use)',
  optional: true,
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'the environments of .metalab.toml, and which one is used',
  examples: [{ line: 'env list', does: "every environment's name, type and store" }],
  json: true,
  async run(_args, options, context) {
    const [{ ProjectConfig }, { printTable }] = await Promise.all([
      import('../../config/project-config.js'),
      import('../format/table.js'),
    ]);
    const config = await ProjectConfig.load();
    const rows = listEnvironments(config);
    if (options.json) context.out(JSON.stringify(rows));
    else
      printTable(
        rows.map(({ used, ...row }) => ({ '': used ? '*' : '', ...row })),
        context,
      );
    const { name, from } = config.chosen;
    if (!rows.some((row) => row.used))
      context.note(context.color.yellow(`${from} names '${name}', which is none of them`));
    else if (!options.json) context.note(context.color.dim(`* is used where --env names none (${from})`));
    return undefined;
  },
};

const show: CommandDefinition = {
  name: 'show',
  summary: "show an environment's resolved settings, and where each comes from",
  description: `Values come from METALAB_* variables (METALAB_ and a key's name in capitals: METALAB_PARTITION), else from
.metalab.local.toml, else from .metalab.toml. Those of services are shown as ***: they may be secrets.`,
  arguments: [CHOSEN],
  examples: [
    { line: 'env show cluster', does: 'its values, each with file and line, variable or default' },
    {
      line: 'env show cluster --json | jq .environment',
      does: 'as submissions store it, without its services',
    },
  ],
  json: true,
  async run({ name }, options, context) {
    const [{ ProjectConfig }, { printTable }] = await Promise.all([
      import('../../config/project-config.js'),
      import('../format/table.js'),
    ]);
    const config = await ProjectConfig.load();
    const resolved = maskServices(config.resolve(name));
    const values = config.explain(name).map(maskServiceValue);
    if (options.json) context.out(JSON.stringify({ ...resolved, files: config.files, values }));
    else {
      context.out(context.color.bold(resolved.environment.name));
      printTable(
        values.map(({ key, value, from }) => ({ key, value, from })),
        context,
      );
    }
    return undefined;
  },
};

const check: CommandDefinition = {
  name: 'check',
  summary: 'check an environment: each line is ok, or says how to fix it',
  description: 'Submits nothing. Exit code 3 if something would prevent a submit.',
  arguments: [CHOSEN],
  examples: [
    {
      line: 'env check cluster',
      does: 'its configuration, its store, and the place where runs are executed',
    },
  ],
  json: true,
  async run({ name }, options, context) {
    const [{ checkEnvironment }, { printCheck }, { createTerminalPrompter }] = await Promise.all([
      import('../../client/environment/check-environment.js'),
      import('../format/print-check.js'),
      import('../terminal/terminal-prompter.js'),
    ]);
    const checks = [];
    for await (const found of checkEnvironment(name, createTerminalPrompter())) {
      checks.push(found);
      if (!options.json) printCheck(found, context);
    }
    if (options.json) context.out(JSON.stringify(checks));
    return checks.every(({ ok }) => ok !== false) ? undefined : EXIT.infrastructure;
  },
};

export const envCommand: CommandDefinition = {
  name: 'env',
  summary: 'list, check and log in to the environments of .metalab.toml',
  examples: [
    { line: 'env list', does: 'list them' },
    { line: 'env show cluster', does: "show one's settings and their sources" },
    { line: 'env check cluster', does: 'whether it works' },
    { line: 'env login cluster', does: 'log in with a password or code' },
    { line: 'env clean cluster', does: 'remove its spool from the cluster' },
  ],
  subcommands: [list, show, check, loginCommand, cleanCommand],
};

/** One row of `env list`. */
interface ListedEnvironment {
  readonly name: string;
  readonly type: string;
  /** Its gateway's host, if it has one. */
  readonly place: string;
  readonly store: string | null;
  /** Whether it is used if none is named. */
  readonly used: boolean;
}

function listEnvironments(config: ProjectConfig): ListedEnvironment[] {
  return config.environments.map(({ name, type }) => ({
    name,
    type,
    ...placeAndStore(config, name),
    used: name === config.chosen.name,
  }));
}

/** A wrong variable for one environment must not hide the others. */
function placeAndStore(config: ProjectConfig, name: string): Pick<ListedEnvironment, 'place' | 'store'> {
  try {
    const { environment } = config.resolve(name);
    const place = 'gateway' in environment && environment.gateway ? environment.gateway.host : 'this machine';
    return { place, store: environment.store === undefined ? null : maskPassword(environment.store) };
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return { place: `? (${error.problems[0]?.where ?? 'see metalab env show'})`, store: null };
  }
}

const MASK = '***';

/** Masks the values of services, to show a configuration: any of them may be a secret, whatever its key. */
const maskServices = (config: ResolvedConfig): ResolvedConfig => ({
  ...config,
  environment: {
    ...config.environment,
    ...(config.environment.store === undefined ? {} : { store: maskPassword(config.environment.store) }),
    services: masked(config.environment.services),
  },
  services: masked(config.services),
});

const maskServiceValue = (explained: ExplainedValue): ExplainedValue =>
  explained.key.startsWith('services.')
    ? { ...explained, value: MASK }
    : {
        ...explained,
        value: typeof explained.value === 'string' ? maskPassword(explained.value) : explained.value,
      };

const masked = (services: ResolvedConfig['services']) =>
  Object.fromEntries(Object.entries(services).map(([service, value]) => [service, mask(value)]));

function mask(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return MASK;
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, mask(below)]));
}
