import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { type ExperimentDeclaration, FINGERPRINT_SCHEME } from '../../definition/declaration.js';
import {
  bundleFile,
  declarationFile,
  environmentFile,
  folderOf,
  planEntriesFile,
  planFile,
} from '../../storage/file/layout.js';
import { readText } from '../../storage/file/read-json.js';
import type { Transport } from '../transport/transport.js';
import type { Patience } from './ask.js';
import { contextUploads } from './context-uploads.js';
import { runtimeFolder } from './spool-layout.js';
import { hashOfFiles, type Upload, uploadMissing } from './upload.js';

/** metalab's programs for compute nodes, on this machine. */
export interface TaskPrograms {
  readonly runner: string;
  readonly task: string;
}

/** Makes the folder a store of its own, unless it is one, and tells its absolute path. */
const OPEN_SCRIPT = `cd || exit 74
mkdir -p "$1" && cd "$1" || exit 74
if [ ! -e store.json ]; then
  printf '%s\\n' "$2" > ".store.json.$$" && { ln ".store.json.$$" store.json 2>/dev/null || [ -e store.json ] || mv ".store.json.$$" store.json; }
  rm -f ".store.json.$$"
fi
pwd -P
`;

/** The spool: metalab's folder on a cluster. */
export class Spool {
  /** Absolute. */
  readonly root: string;
  readonly #transport: Transport;

  private constructor(transport: Transport, root: string) {
    this.#transport = transport;
    this.root = root;
  }

  /** @param fileRoot absolute, or relative to the login's home there; `~/` is that too */
  static async open(transport: Transport, fileRoot: string, patience: Patience): Promise<Spool> {
    const store = JSON.stringify({
      id: randomBytes(8).toString('hex'),
      scheme: FINGERPRINT_SCHEME,
      created_at: new Date().toISOString(),
    });
    const { stdout } = await patience.ask([
      'sh',
      '-c',
      OPEN_SCRIPT,
      'metalab',
      fileRoot.replace(/^~(?:\/|$)/, '') || '.',
      store,
    ]);
    return new Spool(transport, stdout.replace(/\n$/, ''));
  }

  experimentFolder(experimentId: string): string {
    return posix.join(this.root, folderOf(experimentId));
  }

  async runtime(programs: TaskPrograms): Promise<string> {
    return runtimeFolder(this.root, await hashOfFiles([programs.runner, programs.task]));
  }

  /**
   * Uploads what a submission's tasks need, as far as it is not there.
   *
   * @param folder the experiment's folder in the store
   * @returns where the context's files are, by their paths in the declaration
   */
  async provide(
    place: { readonly folder: string; readonly experiment_id: string; readonly submission: string },
    declared: { readonly sha: string; readonly declaration: ExperimentDeclaration },
    programs: TaskPrograms,
    more: readonly Upload[],
    patience: Patience,
  ): Promise<{ readonly [path: string]: string }> {
    const { folder, submission } = place;
    const there = this.experimentFolder(place.experiment_id);
    const runtime = await this.runtime(programs);
    const { files, uploads } = contextUploads(declared.declaration, this.root);
    const { bundle } = declared.declaration.operation;
    const own: readonly (readonly [string, string])[] = [
      [declarationFile(folder, declared.sha), declarationFile(there, declared.sha)],
      [bundleFile(folder, bundle), bundleFile(there, bundle)],
      [`${bundleFile(folder, bundle)}.map`, `${bundleFile(there, bundle)}.map`],
      [planFile(folder, submission), planFile(there, submission)],
      [planEntriesFile(folder, submission), planEntriesFile(there, submission)],
    ];
    const env = await readText(environmentFile(folder, submission));
    await uploadMissing(this.#transport, patience, [
      { from: { path: programs.runner }, to: posix.join(runtime, 'runner.mjs') },
      { from: { path: programs.task }, to: posix.join(runtime, 'task.mjs') },
      ...own.filter(([from]) => existsSync(from)).map(([path, to]) => ({ from: { path }, to })),
      ...(env === undefined
        ? []
        : [{ from: { bytes: env }, to: environmentFile(there, submission), mode: 0o600 }]),
      ...uploads,
      ...more,
    ]);
    return files;
  }
}
