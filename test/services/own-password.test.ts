import { readFileSync, statSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { useOwnEngine } from '../support/engine.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { serverFolders } from '../support/test-server.js';
import { filesWith } from './files-with.js';
import { textsOfHistories } from './histories.js';
import { processesWith, serviceIn, services } from './services.js';

const env = useOwnEngine();
const PASSWORD = 'correct horse battery staple';

test("a password of the user's own stays in private files: no command, log, history or process tells it", async () => {
  const project = await projectWith({
    '.metalab.toml': '[services.postgres]\n',
    '.metalab.local.toml': `services.postgres.password = "${PASSWORD}"\n`,
  });
  const here = { cwd: project.folder, env };
  onTestFinished(() => metalab(['services', 'down'], here).then(() => {}));
  const up = await services(['up'], here);
  expect(serviceIn(up.json, 'postgres').status).toBe('running');
  const { file } = serviceIn(up.json, 'postgres').credentials!;
  expect(readFileSync(file, 'utf8')).toContain(PASSWORD);
  const told = [up.stdout, up.stderr];
  for (const line of [
    'services status',
    'services status --json',
    'services status --store-locator',
    'services logs',
    'services restart postgres',
    'env show --json',
    'env show',
    'doctor -v',
    'list --store discover',
  ]) {
    const { stdout, stderr } = await metalab(line.split(' '), here);
    told.push(stdout, stderr);
  }
  // Another configuration: what has to be restarted, and a start that fails.
  await project.write({ '.metalab.toml': '[services.postgres]\nport = 1\n' });
  const failed = await metalab(['services', 'up'], here);
  expect(failed.code).not.toBe(0);
  told.push(failed.stdout, failed.stderr, ...processesWith('').map(({ args }) => args));
  const histories = await textsOfHistories(env);
  expect(histories.join('')).toContain('postgres');
  expect([...told, ...histories].filter((text) => text.includes(PASSWORD))).toEqual([]);

  const places = [env.METALAB_HOME, project.folder, ...serverFolders()];
  const holders = places.flatMap((place) => filesWith([PASSWORD], place));
  expect(holders).toContain(file);
  const own = project.path('.metalab.local.toml');
  expect(holders.filter((path) => path !== own && (statSync(path).mode & 0o077) !== 0)).toEqual([]);
  expect(holders.filter((path) => path.endsWith('.log') || path.endsWith('bundle.json'))).toEqual([]);
});
