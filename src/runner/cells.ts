import type { ExperimentDeclaration } from '../definition/declaration.js';
import { deepFreeze } from '../definition/deep-freeze.js';
import type { JsonObject } from '../definition/json.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import { Seeds } from '../definition/seeds.js';
import { canonicalJson } from '../identity/canonical.js';
import {
  fingerprintOfText,
  makeRunIdentifier,
  paramsFingerprint,
  seedFingerprint,
} from '../identity/fingerprint.js';

/** What consecutive replicates share. */
export interface Case {
  /** Frozen when an operation first reads them. */
  readonly params: JsonObject;
  readonly paramsText: string;
  readonly paramsFingerprint: string;
  readonly tags: readonly string[];
  frozen: boolean;
}

/** One run of the plan, before it is attempted. */
export interface Cell {
  readonly position: number;
  readonly index: number;
  readonly generation: number;
  readonly replicate: number;
  readonly runId: string;
  readonly seedFingerprint: string;
  readonly case: Case;
}

/** Seeds of this many replicates are kept: about 200 bytes each. */
const MAX_REPLICATES_KEPT = 10_000;

/** Makes a declaration's cells by index. */
export class Cells {
  readonly #source;
  readonly #identify;
  readonly #base: number;
  readonly #replicates: number;
  readonly #seedFingerprints = new Map<number, string>();
  readonly #seeds = new Map<number, Seeds>();
  #caseIndex = -1;
  #case: Case | undefined;

  constructor(declaration: ExperimentDeclaration) {
    this.#source = paramSourceFromSpec(declaration.params);
    this.#base = declaration.seeds.base;
    this.#replicates = declaration.seeds.replicates;
    this.#identify = makeRunIdentifier({
      experiment_id: declaration.experiment_id,
      context: declaration.context_fingerprint,
      code: declaration.operation.code_fingerprint,
    });
  }

  at(position: number, index: number, generation: number): Cell {
    const replicate = index % this.#replicates;
    const ofCase = this.#caseAt((index - replicate) / this.#replicates);
    const seed = this.#seedFingerprint(replicate);
    return {
      position,
      index,
      generation,
      replicate,
      runId: this.#identify(ofCase.paramsFingerprint, seed),
      seedFingerprint: seed,
      case: ofCase,
    };
  }

  /** The same object for every run of a replicate: frozen, since runs share it. */
  seedsOf(replicate: number): Seeds {
    let seeds = this.#seeds.get(replicate);
    if (!seeds) {
      seeds = new Seeds(this.#base, replicate);
      Object.freeze(seeds);
      keepAtMost(this.#seeds, replicate, seeds);
    }
    return seeds;
  }

  #caseAt(index: number): Case {
    if (index === this.#caseIndex) return this.#case!;
    const params = this.#source.at(index);
    this.#caseIndex = index;
    this.#case = {
      params,
      ...describeParams(params),
      tags: this.#source.tagsAt(index),
      frozen: false,
    };
    return this.#case;
  }

  #seedFingerprint(replicate: number): string {
    let fingerprint = this.#seedFingerprints.get(replicate);
    if (fingerprint === undefined) {
      fingerprint = seedFingerprint({ base: this.#base, replicate });
      keepAtMost(this.#seedFingerprints, replicate, fingerprint);
    }
    return fingerprint;
  }
}

/** Params that are flat and sorted, as a grid's are, have one text for their record and their identity. */
function describeParams(params: JsonObject): Pick<Case, 'paramsText' | 'paramsFingerprint'> {
  if (!isFlatAndSorted(params))
    return { paramsText: JSON.stringify(params), paramsFingerprint: paramsFingerprint(params) };
  const paramsText = canonicalJson(params, 'params');
  return { paramsText, paramsFingerprint: fingerprintOfText(paramsText) };
}

function isFlatAndSorted(params: JsonObject): boolean {
  let last = '';
  for (const key in params) {
    if (key < last || typeof params[key] === 'object') return false;
    last = key;
  }
  return true;
}

/** A case's params as the operation gets them. */
export function frozenParams(ofCase: Case): JsonObject {
  if (!ofCase.frozen) {
    deepFreeze(ofCase.params);
    ofCase.frozen = true;
  }
  return ofCase.params;
}

function keepAtMost<T>(map: Map<number, T>, key: number, value: T): void {
  if (map.size >= MAX_REPLICATES_KEPT) map.clear();
  map.set(key, value);
}
