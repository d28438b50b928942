import type { Environment } from '../../access/own-folders.js';
import { MetalabError } from '../../definition/errors.js';
import { readBuild } from '../build.js';
import type { Check, Examination, Examiner } from './check.js';
import { folders } from './folders.js';
import { clock, git, memory, node } from './machine.js';
import { otherUsers } from './other-users.js';
import { ports, stateFiles, temporalCli, workers } from './processes.js';
import { store } from './store.js';
import { temporalServer } from './temporal-server.js';

export type { Check } from './check.js';

const EXAMINERS: readonly Examiner[] = [
  ...[node, memory, clock, git, folders, otherUsers],
  ...[temporalCli, ports, temporalServer, workers, stateFiles],
  store,
];

export interface DoctorOptions {
  readonly env?: Environment;
  /** The folder of the store to check. */
  readonly store?: string;
  /** Default: see readBuild. */
  readonly build?: string;
}

/** Checks everything that metalab needs, without starting anything. Every check is made, whatever the others find. */
export async function runDoctor(options: DoctorOptions = {}): Promise<Check[]> {
  const { env = process.env, build = tryReadBuild() } = options;
  const examination: Examination = { env, store: options.store, build };
  return (await Promise.all(EXAMINERS.map((examiner) => examineSafely(examiner, examination)))).flat();
}

async function examineSafely(
  examiner: Examiner,
  examination: Examination,
): Promise<Check | readonly Check[]> {
  try {
    return await examiner.examine(examination);
  } catch (error) {
    const { name } = examiner;
    if (!(error instanceof MetalabError)) return { name, ok: false, detail: String(error) };
    return {
      name,
      ok: false,
      detail: error.message.split('\n  next: ')[0]!,
      ...(error.next ? { next: error.next } : {}),
    };
  }
}

function tryReadBuild(): string | undefined {
  try {
    return readBuild();
  } catch {
    return undefined;
  }
}
