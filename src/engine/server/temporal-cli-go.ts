import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InstallRequest } from './temporal-cli-download.js';

/** Builds the Temporal CLI with Go: about four minutes on two cores, once. */
export async function installTemporalCliWithGo({ path, version, env, say }: InstallRequest): Promise<void> {
  if (!(await succeeds(['version'], env)))
    throw new Error('there is no Go on this machine (https://go.dev/dl)');
  say(`installing the Temporal CLI ${version} with go install (about four minutes, once) …`);
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(`${path}-go-`);
  try {
    const built = await run(['install', `github.com/temporalio/cli/cmd/temporal@${version}`], {
      ...env,
      GOBIN: folder,
      CGO_ENABLED: '0',
    });
    if (built.code !== 0)
      throw new Error(built.output.trim().split('\n').slice(-5).join('\n') || `exit code ${built.code}`);
    const program = join(folder, 'temporal');
    chmodSync(program, 0o755);
    renameSync(program, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const succeeds = async (args: string[], env: InstallRequest['env']) =>
  run(args, env).then(
    ({ code }) => code === 0,
    () => false,
  );

function run(args: string[], env: InstallRequest['env']): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, { env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-10_000);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
