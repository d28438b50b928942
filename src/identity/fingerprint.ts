import { hash } from 'node:crypto';
import { canonicalJson } from './canonical.js';

/** A fingerprint: the first 32 hex digits of the SHA-256 of a value's canonical JSON. */
export type Fingerprint = string;

const FINGERPRINT_LENGTH = 32;

/** All 64 hex digits of the SHA-256 of bytes, or of a text's UTF-8. */
export const sha256 = (content: string | Uint8Array): string => hash('sha256', content, 'hex');

/**
 * The fingerprint of a text that is canonical JSON already. Of 100 bytes, one-shot `hash` makes 2.3 million a second,
 * `createHash` 0.7 million (Node 20).
 */
export const fingerprintOfText = (text: string): Fingerprint =>
  hash('sha256', text, 'hex').slice(0, FINGERPRINT_LENGTH);

/**
 * The fingerprint of any plain JSON value.
 *
 * @param path how the value is called in errors
 * @throws CanonicalError naming the path of what is not plain JSON
 */
export const fingerprint = (value: unknown, path = '$'): Fingerprint =>
  fingerprintOfText(canonicalJson(value, path));

/** The fingerprint of one case's params, including those that `resolve` derived. */
export const paramsFingerprint = (params: { readonly [name: string]: unknown }): Fingerprint =>
  fingerprint(params, 'params');

/** The fingerprint of one run's seeds. The number of replicates does not count. */
export const seedFingerprint = ({
  base,
  replicate,
}: {
  readonly base: number;
  readonly replicate: number;
}): Fingerprint => fingerprintOfText(canonicalJson({ base, replicate }, 'seed'));

/** The fingerprint of a context whose files are replaced by their hashes: see `resolveContext`. */
export const contextFingerprint = (context: { readonly [key: string]: unknown }): Fingerprint =>
  fingerprint(context, 'context');

/** What a run_id is computed from: the experiment's id and four fingerprints. */
export interface RunIdentity {
  readonly experiment_id: string;
  readonly context: Fingerprint;
  readonly params: Fingerprint;
  readonly seed: Fingerprint;
  readonly code: Fingerprint;
}

/** The run_id: the same run has the same id on every machine. */
export const runId = ({ experiment_id, context, params, seed, code }: RunIdentity): Fingerprint =>
  fingerprint({ code, context, experiment_id, params, seed });

/** `runId` for many runs of one experiment: what they share is written only once. */
export function makeRunIdentifier({
  experiment_id,
  context,
  code,
}: Omit<RunIdentity, 'params' | 'seed'>): (params: Fingerprint, seed: Fingerprint) => Fingerprint {
  const shared = canonicalJson({ code, context, experiment_id });
  const start = `${shared.slice(0, -1)},"params":"`;
  return (params, seed) => fingerprintOfText(`${start}${params}","seed":"${seed}"}`);
}
