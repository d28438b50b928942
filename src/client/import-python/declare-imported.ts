import { type ExperimentDeclaration, FINGERPRINT_SCHEME } from '../../definition/declaration.js';
import type { JsonObject, JsonValue } from '../../definition/json.js';
import { contextFingerprint, fingerprint, sha256 } from '../../identity/fingerprint.js';
import { isObject } from './python-json.js';
import { keptManifest } from './python-manifests.js';
import { textList } from './python-values.js';
import type { SourceExperiment } from './read-source.js';

/** In declarations, and in the provenance of imported runs. */
export const IMPORTED_FROM = 'Python metalab';
/** The derivation that derived metrics are under: its code is not known. */
export const DERIVATION = 'python';
/** All imported runs are of one code, since all of them are to be shown together. What Python knew of it is in their provenance. */
export const IMPORTED_CODE = fingerprint({ imported_from: IMPORTED_FROM });

/** The cells that an import declares. */
export interface ImportedCells {
  readonly cases: readonly JsonObject[];
  readonly base: number;
  readonly replicates: number;
}

/** @param earlier what the import before declared */
export function declareImported(
  source: SourceExperiment,
  { cases, base, replicates }: ImportedCells,
  earlier: ExperimentDeclaration | undefined,
): ExperimentDeclaration {
  const { experimentId, pythonId } = source;
  const [name, version] = experimentId.split(':') as [string, string];
  const manifests = manifestsOf(source, earlier);
  const latest = manifests.at(-1);
  const operation = isObject(latest?.operation) ? (latest.operation as JsonObject) : {};
  return {
    scheme: FINGERPRINT_SCHEME,
    experiment_id: experimentId,
    name,
    version,
    imported_from: IMPORTED_FROM,
    description: typeof latest?.description === 'string' ? latest.description : null,
    tags: textList(latest?.tags),
    metadata: {
      ...(isObject(latest?.metadata) ? (latest.metadata as JsonObject) : {}),
      python: { experiment_id: pythonId, manifests },
    },
    operation: {
      kind: 'typescript',
      name: textOf(operation.name),
      ref: textOf(operation.ref),
      code_fingerprint: IMPORTED_CODE,
      bundle: sha256(''),
      modules: {},
      packages: {},
      native: [],
    },
    params: { kind: 'manual', cases },
    seeds: { base, replicates },
    context: {},
    context_fingerprint: contextFingerprint({}),
    files: [],
    retries: 0,
    timeout_ms: null,
    memory_bytes: null,
    env: [],
    cwd: '/',
  };
}

/** The id that the Python metalab has for an experiment that was imported. */
export function pythonIdOf({ metadata }: Pick<ExperimentDeclaration, 'metadata'>): string | undefined {
  const { python } = metadata;
  return isObject(python) && typeof python.experiment_id === 'string' ? python.experiment_id : undefined;
}

/** All manifests that are known, each once, oldest first. */
function manifestsOf(source: SourceExperiment, earlier: ExperimentDeclaration | undefined): JsonObject[] {
  const { python } = earlier?.metadata ?? {};
  const before =
    isObject(python) && Array.isArray(python.manifests) ? (python.manifests as JsonObject[]) : [];
  const all = [...before, ...source.manifests.map(keptManifest)];
  const each = new Map(all.map((manifest) => [fingerprint(manifest), manifest]));
  const when = ({ submitted_at }: JsonObject) => (typeof submitted_at === 'string' ? submitted_at : '');
  return [...each.values()].sort((a, b) => (when(a) < when(b) ? -1 : 1));
}

const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' && value !== '' ? value : 'unknown';
