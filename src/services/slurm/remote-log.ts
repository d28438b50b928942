import type { Transport } from '../../transport/transport.js';
import type { LogOptions } from '../service-environment.js';

const TAIL_LINES = 20;

/** A log's last lines, for an error; '' if it can't be read. */
export async function readTail(transport: Transport, path: string): Promise<string> {
  try {
    const { stdout } = await transport.run(['tail', '-n', `${TAIL_LINES}`, path], { timeout_ms: 15_000 });
    return stdout.trimEnd();
  } catch {
    return '';
  }
}

/** A log as a stream, which can be followed. A log that does not exist is empty. */
export async function* streamLog(
  transport: Transport,
  path: string,
  { tail, follow, signal }: LogOptions,
): AsyncGenerator<Uint8Array, void> {
  const command = ['tail', '-n', `${tail}`, ...(follow ? ['-F'] : []), path];
  try {
    const { stdout } = await transport.stream(command, { signal });
    yield* stdout;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
