import { posix } from 'node:path';
import type { SlurmExecutorConfig } from '../../../config/resolved-config.js';
import type { Transport } from '../../../transport/transport.js';
import { type ClusterRetry, placeFault } from '../cluster-retry.js';
import type { Spool } from '../spool/spool.js';
import { uploadMissing } from '../spool/upload.js';
import { nodePackage, nodePlatform } from './node-package.js';

export interface NodeNeed {
  readonly config: SlurmExecutorConfig;
  /** Where fetched Nodes are kept on this machine. */
  readonly cache: string;
  /** A compute node was found without a suitable one. */
  readonly missed: boolean;
}

/**
 * Provides a Node for compute nodes. If the gateway has a suitable one, they usually have it too. Otherwise one is
 * uploaded, once, for nodes that get none from their modules or set-up.
 *
 * @returns its program on the cluster; null if none was needed
 * @throws ExecutionFault with code `NODE` if it can't be fetched, or does not run there
 */
export async function provideNode(
  transport: Transport,
  spool: Spool,
  { config, cache, missed }: NodeNeed,
  retry: ClusterRetry,
): Promise<string | null> {
  const script = 'uname -sm; node --version 2>/dev/null || echo none';
  const { stdout } = await retry.ask(['sh', '-c', script]);
  const [system = '', version = ''] = stdout.split('\n');
  if (!missed && isSuitable(version)) return null;
  const bringsOwn = config.modules.length > 0 || config.conda_env !== undefined || config.setup.length > 0;
  try {
    const { version: shipped, platform, program } = await nodePackage(nodePlatform(system), cache);
    const to = posix.join(spool.root, 'node', `${shipped}-${platform}`, 'bin', 'node');
    await uploadMissing(transport, retry, [{ from: { path: program }, to, mode: 0o755 }]);
    const { exitCode, stdout: answer, stderr } = await retry.ask([to, '--version'], { isAnswer: () => true });
    if (exitCode === 0 && answer.trim() === `v${shipped}`) return to;
    throw placeFault(
      'NODE',
      `${transport.place} has no suitable Node, and the one that metalab ships does not run there (${formatRefusal(stderr || answer)}): load a module that has Node 20.19 or later, or 22.12 or later, in the modules or setup of the environment`,
    );
  } catch (error) {
    if (bringsOwn && !missed) return null;
    throw error instanceof Error && error.name === 'InfrastructureError'
      ? placeFault('NODE', error.message)
      : error;
  }
}

/** The same versions that metalab itself requires. */
export function isSuitable(version: string): boolean {
  const match = /^v(\d+)\.(\d+)\./.exec(version);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
}

const formatRefusal = (said: string) =>
  /GLIBC/.test(said) ? `its C library is too old: ${said.trim().split('\n')[0]}` : said.trim().split('\n')[0];
