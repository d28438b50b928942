import { join } from 'node:path';
import type { DerivationDeclaration } from '../../definition/declaration.js';
import type { Derivation } from '../../definition/derivation.js';
import { decodeNumber } from '../../definition/non-finite.js';
import type { DataEntry, LogLine, RunRecord, SeriesPoint } from '../../definition/record.js';
import type { Cell } from '../../identity/cells.js';
import { Derivations } from '../../operation/derivations.js';
import { Run, type RunFiles } from '../../operation/recorded-run.js';
import { openArtifact } from '../../storage/file/artifacts.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import { readAttempt } from '../../storage/file/formats/sidecars.js';
import { type SegmentKind, segmentName, segmentsFolder } from '../../storage/file/layout.js';
import type { RunOutputs } from '../outputs/run-outputs.js';

/** Without a timeout of its runs, an experiment's derivations have this long. */
const MAX_MS = 10 * 60_000;

export interface RunDerivationsPlace {
  /** The experiment's folder in the store. */
  readonly folder: string;
  readonly submission: string;
  readonly writer: string;
}

/** Computes the derived metrics that an experiment declares, as its runs succeed. */
export class RunDerivations {
  readonly #declared: { readonly [name: string]: DerivationDeclaration };
  readonly #names: readonly string[];
  readonly #derivations: Derivations;
  readonly #place: RunDerivationsPlace;
  readonly #outputs: RunOutputs;
  readonly #limitMs: number;
  #ended = new AbortController();
  /** How much of the segments was written when the run began. */
  #from: RunOutputs['written'];

  /** @param owners the derivation of each metric that others have given to runs already */
  constructor(
    derivations: { readonly [name: string]: Derivation },
    declared: { readonly [name: string]: DerivationDeclaration },
    place: RunDerivationsPlace,
    outputs: RunOutputs,
    timeoutMs: number | null,
    owners: { readonly [metric: string]: string } = {},
  ) {
    this.#derivations = new Derivations(derivations, Object.entries(owners));
    this.#declared = declared;
    this.#names = Object.keys(declared);
    this.#place = place;
    this.#outputs = outputs;
    this.#limitMs = timeoutMs ?? MAX_MS;
    this.#from = outputs.written;
  }

  /** A run begins. */
  begin(): void {
    if (this.#ended.signal.aborted) this.#ended = new AbortController();
    this.#from = this.#outputs.written;
  }

  /** Ends what is in progress: `metalab derive` computes it later. */
  stop(): void {
    this.#ended.abort();
  }

  /** @param line its record, which is in the store, with all that stands beside it */
  async derive(cell: Cell, line: string): Promise<void> {
    const bytes = Buffer.from(line);
    const record = readRecord(bytes, 0, bytes.length)!;
    const run = new Run(this.#files(), record);
    const { signal } = this.#ended;
    const results = await this.#derivations.compute(run, this.#names, { limitMs: this.#limitMs, signal });
    for (const result of results ?? []) {
      const { code_fingerprint } = this.#declared[result.derivation]!;
      this.#outputs.derived(cell, record.attempt, code_fingerprint, result);
      if (!('error' in result)) continue;
      const { type, message } = result.error;
      this.#outputs.logOf(
        cell,
        record.attempt,
        'warn',
        `derived metrics ${result.derivation}: ${type}: ${message}`,
      );
    }
  }

  /** The slot's own segments, from where the run began. */
  #files(): RunFiles {
    const from = this.#from;
    const { folder, submission, writer } = this.#place;
    const path = (kind: SegmentKind) => join(segmentsFolder(folder, submission), segmentName(kind, writer));
    return {
      async *series(record: RunRecord) {
        for await (const { object } of readAttempt<SeriesPoint>(path('series'), record, from.series))
          yield { ...object, value: decodeNumber(object.value) };
      },
      async *data(record: RunRecord) {
        for await (const { object } of readAttempt<DataEntry>(path('data'), record, from.data)) yield object;
      },
      async *logs(_, run) {
        for await (const { object } of readAttempt<LogLine>(path('logs'), run, from.logs)) yield object;
      },
      openArtifact: (_, artifact) => openArtifact(folder, artifact),
    };
  }
}
