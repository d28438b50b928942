// Python with pandas, polars, pyarrow and DuckDB, for the tests that read metalab's files with them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../../src/engine/lock.mjs';
import { canInstallPackages, installPackages } from './debian-packages.mjs';
import { pythonPlaces, requirements } from './python-environment.mjs';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';

const DONE = 'done';

export async function isDone() {
  const { folder, program } = await pythonPlaces();
  return isComplete(folder, program);
}

export async function run() {
  const { folder, program } = await pythonPlaces();
  if (!hasVenv()) getVenv();
  const onWait = (owner) => console.error(`waiting for ${owner}, which is installing packages of Python …`);
  await withLock(`${folder}.lock`, () => isComplete(folder, program) || install(folder, program), { onWait });
}

// The program is a link, which leads nowhere once the system has another Python.
const isComplete = (folder, program) => existsSync(program) && existsSync(join(folder, DONE));

const hasVenv = () => spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0;

function getVenv() {
  if (!canInstallPackages())
    throw new SetupError(
      'the tests need Python with venv\n  next: install python3 and python3-venv with your package manager (Debian: sudo apt-get install python3-venv); or run only other tests: npx vitest run test/cli',
    );
  console.error('installing python3-venv for the tests (apt-get) …');
  installPackages(['python3', 'python3-venv']);
  if (!hasVenv()) throw new SetupError('apt-get installed python3-venv, but python3 has no venv');
}

function install(folder, program) {
  console.error('installing pandas, polars, pyarrow and DuckDB for Python with pip (about a minute, once) …');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  runCommand('python3', ['-m', 'venv', folder]);
  const options = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:'];
  runCommand(program, ['-m', 'pip', 'install', ...options, '-r', requirements]);
  mkdirSync(join(folder, DONE));
}
