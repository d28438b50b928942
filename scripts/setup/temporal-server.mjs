// A production Temporal server, its sql tool, and PostgreSQL: what docker-compose.yml deploys, for the tests.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { withLock } from '../../src/engine/lock.mjs';
import { canInstallPackages, installPackages } from './debian-packages.mjs';
import { findPostgres } from './find-postgres.mjs';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';
import { TEMPORAL_SERVER_VERSION, temporalServerPlaces } from './temporal-server-programs.mjs';

const PACKAGES = ['server', 'tools/sql'].map(
  (name) => `go.temporal.io/server/cmd/${name}@${TEMPORAL_SERVER_VERSION}`,
);

export async function isDone() {
  const { folder } = await temporalServerPlaces();
  return existsSync(folder) && findPostgres() !== undefined;
}

export async function run() {
  const { folder } = await temporalServerPlaces();
  // What is missing should not be learnt after minutes of building.
  if (!existsSync(folder)) checkGo();
  if (!findPostgres()) getPostgres();
  const onWait = (owner) => console.error(`waiting for ${owner}, which is building the Temporal server …`);
  await withLock(`${folder}.lock`, () => existsSync(folder) || build(folder), { onWait });
}

function getPostgres() {
  if (!canInstallPackages())
    throw new SetupError(
      'the tests need the PostgreSQL server (postgres, initdb)\n  next: install postgresql with your package manager (Debian: sudo apt-get install postgresql)',
    );
  console.error('installing postgresql for the tests (apt-get) …');
  installPackages(['postgresql']);
  if (!findPostgres())
    throw new SetupError('apt-get installed postgresql, but its programs are not to be found');
}

function checkGo() {
  if (spawnSync('go', ['version']).status === 0) return;
  throw new SetupError(
    'the tests need a production Temporal server, which Go builds, and there is no Go on this machine\n  next: install Go from https://go.dev/dl; or run only other tests: npx vitest run test/cli',
  );
}

/** One build for both programs, which share nearly all of it: three minutes on two cores, once; then 130 MB. */
function build(folder) {
  console.error(
    `building the Temporal server ${TEMPORAL_SERVER_VERSION} with go install (about three minutes, once) …`,
  );
  mkdirSync(dirname(folder), { recursive: true });
  const building = mkdtempSync(`${folder}-go-`);
  try {
    // Without symbols they are a third smaller.
    const env = { ...process.env, GOBIN: building, CGO_ENABLED: '0' };
    runCommand('go', ['install', '-trimpath', '-ldflags=-s -w', ...PACKAGES], { env });
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
