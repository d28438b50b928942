import { symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ECHO_PACKAGE } from '../services/fixtures/echo-package.js';
import { metalab, ROOT } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const POSTGRES_KEYS =
  'port, user, database, schema, password, auth, file_root, max_connections, cpus, memory';

async function projectWithEcho(files: { readonly [name: string]: string }) {
  const project = await projectWith({ ...ECHO_PACKAGE, ...files });
  await symlink(ROOT, project.path('node_modules/metalab'));
  return project;
}

test('mistakes of services are reported together, each with its file, line and what was probably meant', async () => {
  const project = await projectWithEcho({
    '.metalab.toml': `[services.postgres]
prot = 5433
max_connections = "many"
password = "hunter2"
[services.atlas]
port = 99999
[services.ehco]
[environments.cluster]
type = "slurm"
file_root = "~/metalab"
partition = "short"
[environments.cluster.services.postgres]
auth = "trust"
[environments.cluster.services.echo]
`,
    '.metalab.local.toml': `[services]
atlas.ports = 8000
echo.greetings = "hi"
`,
  });
  const { code, stderr } = await metalab(['env', 'list'], { cwd: project.folder });
  expect(stderr).toBe(`error: 9 problems
- .metalab.toml:2: [services.postgres] has no key 'prot'
    expected: one of ${POSTGRES_KEYS}
    next: did you mean port?
- .metalab.toml:3: services.postgres.max_connections is "many"
    expected: a whole number from 10 to 10000
- .metalab.toml:4: a password is in .metalab.toml, which others get with the project
    expected: .metalab.local.toml beside it, which is yours alone
- .metalab.toml:6: services.atlas.port is 99999
    expected: a whole number from 1 to 65535
- .metalab.toml:7: there is no service 'ehco'
    expected: one of postgres, atlas, echo, chorus, or one of an installed package
    next: did you mean echo?
- .metalab.toml:11: [environments.cluster] has no key 'partition'
    expected: one of type, store, services, file_root, gateway, user, port, ssh_key, jump_hosts, executor
- .metalab.toml:14: [environments.cluster.services.echo] has no greeting
    expected: a text
- .metalab.local.toml:2: [services.atlas] has no key 'ports'
    expected: one of port, cpus, memory
    next: did you mean port?
- .metalab.local.toml:3: [services.echo] has no key 'greetings'
    expected: one of greeting, data, port
    next: did you mean greeting?
`);
  expect(code).toBe(2);
});

test('what does not fit together, and what is missing, is found in the merged tables, once', async () => {
  const project = await projectWithEcho({
    '.metalab.toml': `[services.postgres]
auth = "trust"
[services.echo]
data = "kept"
[environments.one]
type = "slurm"
file_root = "/scratch"
[environments.two]
type = "slurm"
file_root = "/scratch"
services.echo.greeting = "hi"
[environments.three]
type = "local"
services.postgres.auth = "scram"
`,
  });
  const { stdout } = await metalab(['env', 'check'], { cwd: project.folder });
  expect(stdout).toContain(`2 problems
- .metalab.toml:2: auth is "trust", but others can reach a server in an environment of type slurm
    expected: "scram"
    next: write auth = "trust" to [environments.local.services.postgres] alone, or remove it
- .metalab.toml:3: [services.echo] has no greeting
    expected: a text`);
});
