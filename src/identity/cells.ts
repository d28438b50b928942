import type { ExperimentDeclaration } from '../definition/declaration.js';
import { deepFreeze } from '../definition/deep-freeze.js';
import type { JsonObject } from '../definition/json.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import type { ParamSource } from '../definition/params/source.js';
import { Seeds } from '../definition/seeds.js';
import { canonicalJson } from './canonical.js';
import { fingerprintOfText, makeRunIdentifier, paramsFingerprint, seedFingerprint } from './fingerprint.js';

/** What cells are derived from. */
export type CellDeclaration = Pick<
  ExperimentDeclaration,
  'experiment_id' | 'params' | 'seeds' | 'context_fingerprint'
> & { readonly operation: Pick<ExperimentDeclaration['operation'], 'code_fingerprint'> };

/** What consecutive replicates share. */
export class Case {
  readonly params: JsonObject;
  readonly paramsFingerprint: string;
  readonly tags: readonly string[];
  #paramsText: string | undefined;
  #frozen = false;

  constructor(source: ParamSource, index: number) {
    const params = source.at(index);
    this.params = params;
    this.tags = source.tagsAt(index);
    // Flat, sorted params, such as a grid's, have the same text in their record and in their identity.
    if (isFlatAndSorted(params)) this.#paramsText = canonicalJson(params, 'params');
    this.paramsFingerprint =
      this.#paramsText === undefined ? paramsFingerprint(params) : fingerprintOfText(this.#paramsText);
  }

  /** As JSON for the record. */
  get paramsText(): string {
    this.#paramsText ??= JSON.stringify(this.params);
    return this.#paramsText;
  }

  /** As passed to the operation. */
  get frozenParams(): JsonObject {
    if (!this.#frozen) deepFreeze(this.params);
    this.#frozen = true;
    return this.params;
  }
}

/** One run of a declaration, before it is attempted. */
export interface Cell {
  readonly index: number;
  /** In the plan. */
  readonly position: number;
  readonly generation: number;
  readonly replicate: number;
  readonly runId: string;
  readonly seedFingerprint: string;
  readonly case: Case;
}

/** Seeds of the first replicates are kept: about 200 bytes each. */
const REPLICATES_KEPT = 10_000;

/** Derives a declaration's cells by index. */
export class Cells {
  readonly #source: ParamSource;
  readonly #identify;
  readonly #base: number;
  readonly #replicates: number;
  readonly #seedFingerprints: string[] = [];
  readonly #seeds: Seeds[] = [];
  #caseIndex = -1;
  #case: Case | undefined;

  constructor(declaration: CellDeclaration) {
    this.#source = paramSourceFromSpec(declaration.params);
    this.#base = declaration.seeds.base;
    this.#replicates = declaration.seeds.replicates;
    this.#identify = makeRunIdentifier({
      experiment_id: declaration.experiment_id,
      context: declaration.context_fingerprint,
      code: declaration.operation.code_fingerprint,
    });
  }

  at(index: number, position = index, generation = 0): Cell {
    const replicate = index % this.#replicates;
    const ofCase = this.#caseAt((index - replicate) / this.#replicates);
    const seed = this.#seedFingerprint(replicate);
    return {
      index,
      position,
      generation,
      replicate,
      runId: this.#identify(ofCase.paramsFingerprint, seed),
      seedFingerprint: seed,
      case: ofCase,
    };
  }

  /** Frozen, since runs share it. */
  seedsOf(replicate: number): Seeds {
    const kept = this.#seeds[replicate];
    if (kept) return kept;
    const seeds = new Seeds(this.#base, replicate);
    Object.freeze(seeds);
    if (replicate < REPLICATES_KEPT) this.#seeds[replicate] = seeds;
    return seeds;
  }

  #caseAt(index: number): Case {
    if (index !== this.#caseIndex) this.#case = new Case(this.#source, index);
    this.#caseIndex = index;
    return this.#case!;
  }

  #seedFingerprint(replicate: number): string {
    const kept = this.#seedFingerprints[replicate];
    if (kept !== undefined) return kept;
    const fingerprint = seedFingerprint({ base: this.#base, replicate });
    if (replicate < REPLICATES_KEPT) this.#seedFingerprints[replicate] = fingerprint;
    return fingerprint;
  }
}

function isFlatAndSorted(params: JsonObject): boolean {
  let last = '';
  for (const key in params) {
    if (key < last || typeof params[key] === 'object') return false;
    last = key;
  }
  return true;
}
