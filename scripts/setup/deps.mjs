// node_modules as package-lock.json says.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { runCommand } from './run-command.mjs';
import { hasStamp, writeStamp } from './stamp.mjs';

const lockFile = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules', '.metalab-deps');

export const isDone = () => hasStamp(stamp, inputs());

export function run() {
  if (!isInstalled()) install();
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeStamp(stamp, inputs());
}

// Development tools and prebuilt native parts are needed, whatever NODE_ENV and the user's npmrc say.
const OPTIONS = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];

function install() {
  console.error('installing dependencies with npm …');
  runCommand('npm', ['ci', ...OPTIONS]);
}

/** Whether somebody has just installed exactly this by hand: npm notes in node_modules what it put there. */
function isInstalled() {
  const wanted = packagesOf(lockFile);
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
}

const packagesOf = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined);

/** Native packages are made for a platform and, some, for a Node. */
function inputs() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const lock = existsSync(lockFile) ? readFileSync(lockFile, 'utf8') : '';
  const machine = [process.platform, process.arch, process.versions.modules];
  return [lock, JSON.stringify({ dependencies, devDependencies }), ...machine];
}
