import { spawnSync } from 'node:child_process';
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Environment } from '../../access/own-folders.js';

export interface InstallRequest {
  /** Where to put the executable. */
  readonly path: string;
  readonly version: string;
  readonly env: Environment;
  readonly say: (line: string) => void;
}

const ANSWER_MS = 10_000;
const DOWNLOAD_MS = 600_000;

/**
 * Downloads the Temporal CLI from the same source as the SDK's own test server: temporal.download says which archive,
 * and which file in it (ephemeral_server/mod.rs in the SDK's core). METALAB_TEMPORAL_DOWNLOAD names a mirror of it.
 */
export async function downloadTemporalCli({ path, version, env, say }: InstallRequest): Promise<void> {
  const mirror = env.METALAB_TEMPORAL_DOWNLOAD || 'https://temporal.download';
  const query = new URLSearchParams({ platform: process.platform, arch: architecture(), format: 'tar.gz' });
  const { archiveUrl, fileToExtract } = await askForArchive(`${mirror}/cli/${version}?${query}`);
  say(`downloading the Temporal CLI ${version} from ${new URL(archiveUrl).host} …`);
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(`${path}-download-`);
  try {
    const archive = join(folder, 'archive.tar.gz');
    const response = await get(archiveUrl, DOWNLOAD_MS);
    await pipeline(Readable.fromWeb(response.body!), createWriteStream(archive));
    const { status, stderr } = spawnSync(
      'tar',
      ['-xzf', archive, '--no-same-owner', '-C', folder, fileToExtract],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(`tar could not unpack ${archiveUrl}: ${stderr.trim()}`);
    const program = join(folder, fileToExtract);
    // Whatever the archive and the umask say: files that others can change are not executed.
    chmodSync(program, 0o755);
    renameSync(program, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function askForArchive(url: string): Promise<{ archiveUrl: string; fileToExtract: string }> {
  const info: unknown = await (await get(url, ANSWER_MS)).json();
  if (typeof info === 'object' && info !== null && 'archiveUrl' in info && 'fileToExtract' in info) {
    return { archiveUrl: String(info.archiveUrl), fileToExtract: String(info.fileToExtract) };
  }
  throw new Error(`${url} answered without an archive's address`);
}

async function get(url: string, timeoutMs: number): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: Error) => {
    throw new Error(
      `${new URL(url).host}: ${error.cause instanceof Error ? error.cause.message : error.message}`,
    );
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
  return response;
}

function architecture(): string {
  if (process.arch === 'x64') return 'amd64';
  if (process.arch === 'arm64') return 'arm64';
  throw new Error(`there is no Temporal CLI to download for ${process.arch}`);
}
