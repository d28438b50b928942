import { expect, test } from 'vitest';
import { ProjectConfig } from '../../src/config/project-config.js';
import { shortPath } from '../../src/config/toml-file.js';
import { projectWith } from '../support/project.js';

const EXECUTOR_KEYS =
  'partition, account, qos, time, cpus, memory, gpus, constraint, max_concurrent, chunk_size, max_array_size, modules, conda_env, setup, extra_sbatch, mail_user, mail_type, escalate';
const SLURM_KEYS = 'type, store, services, file_root, gateway, user, port, ssh_key, jump_hosts, executor';
const DURATION = "a duration from a second, such as '2h', '01:30:00' or '1-12:00:00'";
const MEMORY = "an amount with its unit, from 1M, such as '32G'";
const FILE_ROOT =
  "a folder on the cluster's shared filesystem, absolute or in its home: '/scratch/me/metalab', '~/metalab'";
const SLURM = '[environments.c]\ntype = "slurm"\nfile_root = "/scratch"\n';

/** What is wrong with these files, their folder taken out. */
async function messageOf(base: string, local?: string, variables: NodeJS.ProcessEnv = {}): Promise<string> {
  const project = await projectWith({
    '.metalab.toml': base,
    ...(local === undefined ? {} : { '.metalab.local.toml': local }),
  });
  try {
    const config = await ProjectConfig.load({ folder: project.folder, variables });
    config.resolve();
    return 'nothing is wrong';
  } catch (error) {
    return (error as Error).message.replaceAll(`${shortPath(project.folder)}/`, '');
  }
}

const executor = (line: string) => `${SLURM}[environments.c.executor]\n${line}\n`;
const is = (key: string, value: string, expected: string) =>
  `.metalab.toml:5: environments.c.executor.${key} is ${value}\n  expected: ${expected}`;

test.each<[what: string, text: string, message: string]>([
  ['syntax', 'a = 1\nb = [1,\nc = 2', '.metalab.toml:3:1: invalid value\n  expected: TOML'],
  ['a date with a dot in it', 'a = 2024-.1-01', '.metalab.toml:1:10: Unexpected character\n  expected: TOML'],
  [
    'a key twice',
    '[project]\nname = "a"\nname = "b"',
    '.metalab.toml:3:1: trying to redefine an already defined table or value\n  expected: TOML',
  ],
  [
    'an unknown table',
    '[enviroments.c]\ntype = "slurm"',
    ".metalab.toml:1: the file has no key 'enviroments'\n  expected: one of project, environments, services, postgresql\n  next: did you mean environments?",
  ],
  [
    'an unknown key of the project',
    'project.default_enb = "x"',
    ".metalab.toml:1: [project] has no key 'default_enb'\n  expected: one of name, default_env\n  next: did you mean default_env?",
  ],
  ['a table that is none', 'environments.c = 3', '.metalab.toml:1: environments.c is 3\n  expected: a table'],
  [
    'an environment without a type',
    '[environments.c]',
    '.metalab.toml:1: [environments.c] has no type\n  expected: type = one of local, slurm',
  ],
  [
    'a mistyped type',
    '[environments.c]\ntype = "slrum"',
    ".metalab.toml:2: there is no type of environments 'slrum'\n  expected: one of local, slurm, or one of an installed package\n  next: did you mean slurm?",
  ],
  [
    'a type that nobody has',
    '[environments.c]\ntype = "kubernetes"',
    ".metalab.toml:2: there is no type of environments 'kubernetes'\n  expected: one of local, slurm, or one of an installed package\n  next: install the package that has it in the project",
  ],
  [
    'a default that is not there',
    '[project]\ndefault_env = "clustr"\n[environments.cluster]\ntype = "local"',
    ".metalab.toml:2: there is no environment 'clustr'\n  expected: one of local, cluster\n  next: did you mean cluster?",
  ],
  [
    'a key that is missing',
    '[environments.c]\ntype = "slurm"',
    `.metalab.toml:1: [environments.c] has no file_root\n  expected: ${FILE_ROOT}`,
  ],
  [
    'a mistyped key',
    `${SLURM}[environments.c.executor]\npartion = "short"`,
    `.metalab.toml:5: [environments.c.executor] has no key 'partion'\n  expected: one of ${EXECUTOR_KEYS}\n  next: did you mean partition?`,
  ],
  [
    'a mistyped key in an inline table of a quoted environment',
    'project.name = "p"\nenvironments = { "my cluster" = { type = "slurm",\n  file_root = "/s", gatway = "x" } }',
    `.metalab.toml:3: [environments."my cluster"] has no key 'gatway'\n  expected: one of ${SLURM_KEYS}\n  next: did you mean gateway?`,
  ],
  [
    'a key of another type',
    '[environments.local]\nexecutor.partition = "short"',
    ".metalab.toml:2: [environments.local.executor] has no key 'partition'\n  expected: one of slots",
  ],
  [
    'slots',
    'environments.local.executor.slots = 0',
    '.metalab.toml:1: environments.local.executor.slots is 0\n  expected: a whole number from 1 to 1000',
  ],
  ['a time', executor('time = "soon"'), is('time', '"soon"', DURATION)],
  ['a bare number as time', executor('time = 90'), is('time', '90', DURATION)],
  ['memory', executor('memory = "much"'), is('memory', '"much"', MEMORY)],
  ['memory without a unit', executor('memory = "4096"'), is('memory', '"4096"', MEMORY)],
  ['cpus', executor('cpus = 1.5'), is('cpus', '1.5', 'a whole number from 1')],
  [
    'gpus',
    executor('gpus = "a100:x"'),
    is('gpus', '"a100:x"', "a whole number, or one with their kind such as 'a100:2'"),
  ],
  [
    'a list',
    executor('setup = ["a", 3]'),
    is('setup', '["a",3]', 'shell lines: a text, or an array of texts'),
  ],
  [
    'options of sbatch',
    executor('extra_sbatch = ["nice=100"]'),
    is('extra_sbatch', '["nice=100"]', "options of sbatch, one an item, such as ['--nice=100']"),
  ],
  [
    'an option of sbatch that a key says',
    executor('extra_sbatch = ["--nice=100", "--time=1:00:00"]'),
    is('extra_sbatch', '["--nice=100","--time=1:00:00"]', 'time of the executor in the place of --time'),
  ],
  [
    'an option of sbatch by which metalab finds its jobs, shortened',
    executor('extra_sbatch = "-HJmine"'),
    is('extra_sbatch', '"-HJmine"', 'options of sbatch other than --job-name, which metalab sets itself'),
  ],
  [
    'a factor',
    executor('escalate.memory = 0.5'),
    is('escalate.memory', '0.5', 'a factor from 1, such as 2.0'),
  ],
  [
    'a number that JSON has not',
    executor('escalate.max = nan'),
    '.metalab.toml:5: environments.c.executor.escalate.max is NaN\n  expected: a finite number',
  ],
  [
    'a file_root with a variable in it',
    '[environments.c]\ntype = "slurm"\nfile_root = "/scratch/$USER"',
    `.metalab.toml:3: environments.c.file_root is "/scratch/$USER"\n  expected: ${FILE_ROOT}`,
  ],
  [
    'a way to a gateway that is not there',
    `${SLURM}port = 22`,
    '.metalab.toml:4: port says how to reach a gateway, and there is none\n  next: add gateway = "…", or take port out',
  ],
  [
    'two logins',
    `${SLURM}gateway = "me@host"\nuser = "you"`,
    '.metalab.toml:5: user is "you", and gateway says "me"\n  expected: one of them',
  ],
])('%s is refused, with its line and what was expected', async (_what, text, message) => {
  expect(await messageOf(text)).toBe(message);
});

test('all mistakes in both files are reported together, by file and line', async () => {
  const base = `[project]
default_env = "clustr"
[environments.cluster]
type = "slurm"
gateway = 3
[environments.cluster.executor]
partion = "a"
[environments.lost]
executor = { slots = 2,
  slotz = 3 }
`;
  const local = `[environments.cluster.executor]
"time" = "soon"
[environments.mine]
type = "slrum"
port = "x"
`;
  const message = await messageOf(base, local);
  const lines = message.split('\n').filter((line) => line.startsWith('- '));
  expect(message).toMatch(/^9 problems\n/);
  expect(lines).toEqual([
    "- .metalab.toml:2: there is no environment 'clustr'",
    '- .metalab.toml:3: [environments.cluster] has no file_root',
    '- .metalab.toml:5: environments.cluster.gateway is 3',
    "- .metalab.toml:7: [environments.cluster.executor] has no key 'partion'",
    '- .metalab.toml:8: [environments.lost] has no type',
    "- .metalab.toml:10: [environments.lost.executor] has no key 'slotz'",
    '- .metalab.local.toml:2: environments.cluster.executor.time is "soon"',
    "- .metalab.local.toml:4: there is no type of environments 'slrum'",
    '- .metalab.local.toml:5: environments.mine.port is "x"',
  ]);
});

test('a file whose syntax is wrong hides no mistake of the other', async () => {
  const message = await messageOf('a = [', '[environments.local]\nexecutor.slotz = 1');
  expect(message).toMatch(
    /^2 problems\n- \.metalab\.toml:1:\d+: unfinished array\n[\s\S]*- \.metalab\.local\.toml:2: .*'slotz'/,
  );
});

test('a variable that says what can not be is named, all of them at once', async () => {
  const message = await messageOf(SLURM, undefined, {
    METALAB_ENV: 'c',
    METALAB_TIME: 'soon',
    METALAB_CPUS: 'x',
    METALAB_QOS: 'high',
  });
  expect(message).toBe(`2 problems
- METALAB_TIME: executor.time is "soon"
    expected: ${DURATION}
- METALAB_CPUS: executor.cpus is "x"
    expected: a whole number from 1`);
});

test('an unknown environment is refused with the nearest and the list, and what named it', async () => {
  expect(await messageOf(SLURM.replace('.c]', '.cluster]'), undefined, { METALAB_ENV: 'cluste' })).toBe(
    "METALAB_ENV: there is no environment 'cluste'\n  expected: one of local, cluster\n  next: did you mean cluster?",
  );
});

test('a password of PostgreSQL belongs to the local file, and to no uri; none is shown', async () => {
  const store = '[environments.local]\nstore = "postgresql://me:s3cret@db/lab"\n';
  const message = await messageOf(`${store}[postgresql]\npassword = "s3cret"\n`);
  expect(message).toContain('.metalab.toml:2: the uri of the store holds a password');
  expect(message).toContain('.metalab.toml:4: a password is in .metalab.toml');
  expect(message).not.toContain('s3cret');
  expect(await messageOf('', '[postgresql]\npassword = "s3cret"\n')).toBe('nothing is wrong');
});
