import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import type { SubmissionManifest } from '../storage/manifest.js';
import type { SweepStore } from '../storage/sweep-store.js';
import type { SubmissionRef } from './contract.js';
import { brokenSubmission } from './failures.js';

/** A handful of submissions at once: what is older is read again. */
const MOST_KEPT = 8;

/** What chunks of one submission need of it again and again: read once. */
export class SubmissionFiles {
  readonly #declarations = new Map<string, Promise<ExperimentDeclaration | undefined>>();
  readonly #manifests = new Map<string, Promise<SubmissionManifest>>();

  async declaration(
    store: SweepStore,
    input: SubmissionRef & { readonly declaration: string },
  ): Promise<ExperimentDeclaration> {
    const { experiment_id, declaration: sha } = input;
    const read = () => store.readDeclaration(experiment_id, sha);
    const declaration = await keep(this.#declarations, `${store.id}/${sha}`, read);
    if (declaration) return declaration;
    this.#declarations.delete(`${store.id}/${sha}`);
    throw brokenSubmission(input, `its declaration ${sha} is not in the store: submit again`);
  }

  /** @returns undefined where it says none: this machine */
  async environment(store: SweepStore, input: SubmissionRef): Promise<ResolvedEnvironment | undefined> {
    return (await this.manifest(store, input)).environment;
  }

  manifest(store: SweepStore, input: SubmissionRef): Promise<SubmissionManifest> {
    const { experiment_id, submission } = input;
    return keep(this.#manifests, `${store.id}/${submission}`, async () => {
      const manifest = await store.readSubmission(experiment_id, submission);
      if (!manifest) throw brokenSubmission(input, 'it is no longer in the store: submit again');
      return manifest;
    });
  }
}

function keep<T>(kept: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known) return known;
  if (kept.size >= MOST_KEPT) kept.clear();
  const reading = read();
  reading.catch(() => kept.delete(key));
  kept.set(key, reading);
  return reading;
}
