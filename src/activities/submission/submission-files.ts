import { readFile } from 'node:fs/promises';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { SubmissionRef } from '../../contract/activities.js';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import { pickEnvironment } from '../../definition/run-environment.js';
import { faultCode, storeFault } from '../../storage/file/faults.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { environmentFile } from '../../storage/file/layout.js';
import type { SubmissionManifest } from '../../storage/manifest.js';
import { environmentDocument, manifestDocument } from '../../storage/signed-files.js';
import { brokenSubmission } from '../failures.js';
import type { Signatures } from './signed.js';

export type RunEnvironment = Record<string, string>;

/** The number of submissions kept; older ones are read again. */
const MAX_KEPT = 8;

/** What the chunks of a submission need repeatedly: read once. */
export class SubmissionFiles {
  readonly #declarations = new Map<string, Promise<ExperimentDeclaration | undefined>>();
  readonly #manifests = new Map<string, Promise<SubmissionManifest>>();
  readonly #signatures: Signatures;

  constructor(signatures: Signatures) {
    this.#signatures = signatures;
  }

  async declaration(
    store: FileStore,
    input: SubmissionRef & { readonly declaration: string },
  ): Promise<ExperimentDeclaration> {
    const { experiment_id, declaration: sha } = input;
    const read = () => store.readDeclaration(experiment_id, sha);
    const declaration = await keep(this.#declarations, `${store.id}/${sha}`, read);
    if (declaration) return declaration;
    this.#declarations.delete(`${store.id}/${sha}`);
    throw brokenSubmission(input, `its declaration ${sha} is not in the store: submit again`);
  }

  /** @returns undefined if it names none: this machine */
  async environment(store: FileStore, input: SubmissionRef): Promise<ResolvedEnvironment | undefined> {
    return (await this.manifest(store, input)).environment;
  }

  manifest(store: FileStore, input: SubmissionRef): Promise<SubmissionManifest> {
    const { experiment_id, submission } = input;
    return keep(this.#manifests, `${store.id}/${submission}`, async () => {
      const manifest = await store.readSubmission(experiment_id, submission);
      if (!manifest) throw brokenSubmission(input, 'it is no longer in the store: submit again');
      if (!isSigned(this.#signatures, store, manifest))
        throw brokenSubmission(
          input,
          'its submission.json, which says where and how it is executed, is not what was submitted: submit again',
        );
      return manifest;
    });
  }

  /**
   * The environment that its runs see: the submitter's, from its file. If that is gone and the experiment names no
   * variables, this worker's own environment is used.
   */
  async runEnvironment(
    store: FileStore,
    input: SubmissionRef,
    names: readonly string[],
  ): Promise<RunEnvironment> {
    const submitted = await this.checkRunEnvironment(store, input);
    if (submitted) return submitted;
    if (names.length === 0) return pickEnvironment(process.env, []);
    throw brokenSubmission(input, 'its env.json, with the variables that it names, is gone: submit again');
  }

  /**
   * @returns undefined if there is no such file
   * @throws StoreError naming the file, if it can't be read: for example, another user submitted
   */
  async checkRunEnvironment(store: FileStore, input: SubmissionRef): Promise<RunEnvironment | undefined> {
    const { experiment_id, submission } = input;
    const path = environmentFile(store.experimentFolder(experiment_id), submission);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (faultCode(error) === 'ENOENT') return undefined;
      throw storeFault(error, path);
    });
    if (text === undefined) return undefined;
    const { env_signature } = await this.manifest(store, input);
    const document = environmentDocument(store.id, submission, text);
    if (this.#signatures.verify(document, env_signature) === 'valid') return parseEnvironment(text);
    throw brokenSubmission(
      input,
      'its env.json, with the variables that its runs see, is not what was submitted: submit again',
    );
  }
}

/** @returns undefined if it is not JSON, for example because its writer was killed */
function parseEnvironment(text: string): RunEnvironment | undefined {
  try {
    return JSON.parse(text) as RunEnvironment;
  } catch {
    return undefined;
  }
}

/** Whether a submission's manifest was signed by somebody who has the key. */
export const isSigned = (
  signatures: Signatures,
  store: Pick<FileStore, 'id'>,
  manifest: SubmissionManifest,
): boolean => signatures.verify(manifestDocument(store.id, manifest), manifest.signature) === 'valid';

function keep<T>(kept: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known) return known;
  if (kept.size >= MAX_KEPT) kept.clear();
  const reading = read();
  reading.catch(() => kept.delete(key));
  kept.set(key, reading);
  return reading;
}
