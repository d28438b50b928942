import { sha256 } from '../../identity/fingerprint.js';
import type { PythonObject } from './python-json.js';

/** What names and versions may hold here. */
const ILLEGAL = /[^A-Za-z0-9_.-]/g;
const MAX_LENGTH = 100;

/** An experiment's id for this metalab: the same, if it is legal here; else with `-` for each character that isn't. */
export function legalExperimentId(pythonId: string): string {
  const colon = pythonId.lastIndexOf(':');
  const [name, version] =
    colon === -1 ? [pythonId, ''] : [pythonId.slice(0, colon), pythonId.slice(colon + 1)];
  return `${legalPart(name, 'unnamed')}:${legalPart(version, '0')}`;
}

function legalPart(part: string, otherwise: string): string {
  const legal = part.replace(ILLEGAL, '-').slice(0, MAX_LENGTH);
  if (legal === '') return otherwise;
  return /^[A-Za-z0-9]/.test(legal) ? legal : `x${legal}`.slice(0, MAX_LENGTH);
}

const MAX_REPLICATES = 100_000;

/**
 * The numbers of replicates by the fingerprints that the Python metalab gives their seeds: the first 16 hex digits of
 * the SHA-256 of `{"replicate_index":…,"root_seed":…}`.
 *
 * @param seeds the `seeds` of experiment manifests
 */
export function replicateNumbers(seeds: readonly PythonObject[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { base, replicates } of seeds) {
    if (typeof base !== 'number' && typeof base !== 'bigint') continue;
    const count = typeof replicates === 'number' ? Math.min(replicates, MAX_REPLICATES) : 0;
    for (let replicate = 0; replicate < count; replicate++)
      numbers.set(sha256(`{"replicate_index":${replicate},"root_seed":${base}}`).slice(0, 16), replicate);
  }
  return numbers;
}
