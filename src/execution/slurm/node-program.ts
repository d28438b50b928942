import type { SlurmEnvironment } from '../../config/resolved-config.js';
import type { Transport } from '../transport/transport.js';
import type { Patience } from './ask.js';
import type { Spool } from './spool.js';

/** @returns the program of the Node that is shipped; null where the cluster has a suitable one */
export async function provideNode(
  _transport: Transport,
  _spool: Spool,
  _environment: SlurmEnvironment,
  _patience: Patience,
): Promise<string | null> {
  return null;
}
