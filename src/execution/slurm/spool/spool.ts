import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { type ExperimentDeclaration, FINGERPRINT_SCHEME } from '../../../definition/declaration.js';
import {
  bundleFile,
  declarationFile,
  environmentFile,
  planEntriesFile,
  planFile,
} from '../../../storage/file/layout.js';
import { readJson, readText } from '../../../storage/file/read-json.js';
import type { PlanManifest } from '../../../storage/manifest.js';
import type { Transport } from '../../../transport/transport.js';
import { type ClusterRetry, NoAnswer, placeFault } from '../cluster-retry.js';
import { contextUploads } from './context-uploads.js';
import { refuseOpenSpool } from './spool-access.js';
import { experimentFolderIn, runtimeFolder } from './spool-layout.js';
import { hashOfFiles, uploadMissing } from './upload.js';

/** metalab's programs for compute nodes, on this machine. */
export interface TaskPrograms {
  readonly runner: string;
  readonly task: string;
}

/**
 * No folder, or another store: if a filesystem is not mounted, or was purged, a new spool would know nothing of earlier
 * arrays.
 */
const OTHER_SPOOL = 75;

/**
 * Makes the folder a store, unless it is one, and prints its store.json and its absolute path. If a known spool is
 * required, it makes none.
 */
const OPEN_SCRIPT = `LC_ALL=C; export LC_ALL
cd || exit 74
[ -z "$3" ] || grep -qF "\\"$3\\"" "$1/store.json" 2>/dev/null || exit ${OTHER_SPOOL}
[ -d "$1" ] || mkdir -p -m 700 "$1"
cd "$1" || exit 74
if [ ! -s store.json ]; then
  # A shell's built-in printf reports a full disk as an I/O error.
  printf '%s\\n' "$2" | cat > ".store.json.$$" || { rm -f ".store.json.$$"; exit 74; }
  # Without hard links, the process that creates the file writes it. An empty one that is older than a minute was left by
  # a kill: if its creator lives after all, it writes to a file that has no name any more.
  if ! ln ".store.json.$$" store.json 2>/dev/null; then
    find . -maxdepth 1 -name store.json -size 0 -mmin +1 -exec rm -f {} + 2>/dev/null
    (set -C; exec 3> store.json && cat ".store.json.$$" >&3) 2>/dev/null
  fi
  rm -f ".store.json.$$"
fi
tr -d '\\n' < store.json
echo
pwd -P
`;

/** The spool: metalab's folder on a cluster. */
export class Spool {
  /** Absolute path. */
  readonly root: string;
  /** Its store id. */
  readonly id: string;
  readonly #transport: Transport;

  private constructor(transport: Transport, root: string, id: string) {
    this.#transport = transport;
    this.root = root;
    this.id = id;
  }

  /**
   * @param fileRoot absolute, or relative to the login's home, as with `~/`
   * @param known the id of the required spool: waits while there is another one, or none
   * @throws ExecutionFault with code `SPOOL` if it is another one and the submission is being cancelled
   */
  static async open(
    transport: Transport,
    fileRoot: string,
    retry: ClusterRetry,
    known?: string,
  ): Promise<Spool> {
    const store = JSON.stringify({
      id: randomBytes(8).toString('hex'),
      scheme: FINGERPRINT_SCHEME,
      created_at: new Date().toISOString(),
    });
    const command = ['sh', '-c', OPEN_SCRIPT, 'metalab', fileRoot, store, known ?? ''];
    const { root, id } = await retry.until(async () => {
      const { exitCode, stdout } = await retry.ask(command, {
        isAnswer: (result) => result.exitCode === 0 || result.exitCode === OTHER_SPOOL,
      });
      const opened = exitCode === 0 ? parseOpened(stdout) : undefined;
      if (opened) {
        await refuseOpenSpool(transport.place, (look) => retry.ask(look), opened.root);
        return opened;
      }
      const where = `${transport.place}: ${fileRoot}`;
      if (exitCode === 0) throw new NoAnswer(`${where} was opened, and its store.json can't be read`);
      const message = `${where} is not the folder in which this submission's runs are recorded (store ${known}): it is not mounted there, or was removed. Mount it; if it is gone for good, cancel the submission and submit again: what was collected is reused`;
      throw retry.cancelled ? placeFault('SPOOL', message) : new NoAnswer(message);
    });
    return new Spool(transport, root, id);
  }

  experimentFolder(experimentId: string): string {
    return experimentFolderIn(this.root, experimentId);
  }

  async runtime(programs: TaskPrograms): Promise<string> {
    return runtimeFolder(this.root, await hashOfFiles([programs.runner, programs.task]));
  }

  /**
   * Uploads what a submission's tasks need and the spool lacks.
   *
   * @param folder the experiment's folder in the store
   * @returns where the context's files are, by their paths in the declaration
   */
  async provide(
    place: { readonly folder: string; readonly experiment_id: string; readonly submission: string },
    declared: { readonly sha: string; readonly declaration: ExperimentDeclaration },
    programs: TaskPrograms,
    /** What its runs will write there. */
    records_bytes: number,
    retry: ClusterRetry,
  ): Promise<{ readonly [path: string]: string }> {
    const { folder, submission } = place;
    const there = this.experimentFolder(place.experiment_id);
    const runtime = await this.runtime(programs);
    const context = contextUploads(declared.declaration, this.root);
    const { bundle } = declared.declaration.operation;
    const plan = (await readJson<PlanManifest>(planFile(folder, submission))) ?? { submission };
    const own: readonly (readonly [string, string])[] = [
      [declarationFile(folder, declared.sha), declarationFile(there, declared.sha)],
      [bundleFile(folder, bundle), bundleFile(there, bundle)],
      [`${bundleFile(folder, bundle)}.map`, `${bundleFile(there, bundle)}.map`],
      [planFile(folder, submission), planFile(there, submission)],
      [planEntriesFile(folder, plan), planEntriesFile(there, plan)],
    ];
    const env = await readText(environmentFile(folder, submission));
    const uploads = [
      { from: { path: programs.runner }, to: posix.join(runtime, 'runner.mjs') },
      { from: { path: programs.task }, to: posix.join(runtime, 'task.mjs') },
      ...own.filter(([from]) => existsSync(from)).map(([path, to]) => ({ from: { path }, to })),
      ...(env === undefined
        ? []
        : [{ from: { bytes: env }, to: environmentFile(there, submission), mode: 0o600 }]),
      ...context.uploads,
    ];
    await uploadMissing(this.#transport, retry, uploads, records_bytes);
    return context.files;
  }
}

/** Parses the output of `store.json` and `pwd -P`. @returns undefined if it is not a store's */
export function parseOpened(stdout: string): { readonly root: string; readonly id: string } | undefined {
  const end = stdout.indexOf('\n');
  try {
    const { id } = JSON.parse(stdout.slice(0, end)) as { id?: unknown };
    return typeof id === 'string' ? { id, root: stdout.slice(end + 1).replace(/\n$/, '') } : undefined;
  } catch {
    return undefined;
  }
}
