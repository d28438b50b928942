import { join } from 'node:path';
import { decodeNumber } from '../../definition/non-finite.js';
import type { DataEntry, RunRecord, SeriesPoint } from '../../definition/record.js';
import type { RunFiles } from '../../operation/recorded-run.js';
import { openArtifact } from '../../storage/file/artifacts.js';
import { sizeOf } from '../../storage/file/file-size.js';
import { forEachLine, lineChunks, parseObject } from '../../storage/file/formats/lines.js';
import { readLogs } from '../../storage/file/formats/logs.js';
import { readObjects } from '../../storage/file/formats/segments.js';
import { readData, readSeries } from '../../storage/file/formats/sidecars.js';
import { segmentName, segmentsFolder } from '../../storage/file/layout.js';

type Kind = 'series' | 'data';
type Line = Pick<SeriesPoint, 'run_id' | 'generation' | 'attempt'>;

/**
 * Reads what stands beside runs that were recorded by the same slot: where each one's lines begin is found once for a
 * whole segment, in which the lines of an attempt stand together.
 */
export class NeighbouringRuns {
  readonly #folder: string;
  readonly #indexes = new Map<
    Kind,
    { readonly path: string; readonly starts: ReadonlyMap<string, number> }
  >();

  /** @param folder the experiment's */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param submission whose segments have the runs */
  of(submission: string): RunFiles {
    const folder = this.#folder;
    const lines = <T extends Line>(kind: Kind, record: RunRecord) => this.#lines<T>(kind, submission, record);
    return {
      async *series(record) {
        const own = lines<SeriesPoint>('series', record);
        if (!own) return yield* readSeries(folder, record);
        for await (const point of own) yield { ...point, value: decodeNumber(point.value) };
      },
      data: (record) => lines<DataEntry>('data', record) ?? readData(folder, record),
      logs: (_, run) => readLogs(folder, run),
      openArtifact: (_, artifact) => openArtifact(folder, artifact),
    };
  }

  /** @returns undefined where the record does not say which slot wrote it */
  #lines<T extends Line>(
    kind: Kind,
    submission: string,
    record: RunRecord,
  ): AsyncGenerator<T, void> | undefined {
    const { slot } = record.provenance;
    if (typeof slot !== 'string' || record.status !== 'success') return undefined;
    return this.#read(kind, join(segmentsFolder(this.#folder, submission), segmentName(kind, slot)), record);
  }

  async *#read<T extends Line>(kind: Kind, path: string, record: RunRecord): AsyncGenerator<T, void> {
    let index = this.#indexes.get(kind);
    if (index?.path !== path) {
      index = { path, starts: await findStarts(path) };
      this.#indexes.set(kind, index);
    }
    const from = index.starts.get(keyOf(record));
    if (from === undefined) return;
    for await (const { object } of readObjects<T>(path, { from })) {
      if (keyOf(object) !== keyOf(record)) return;
      yield object;
    }
  }
}

const keyOf = ({ run_id, generation, attempt }: Line) => `${run_id} ${generation} ${attempt}`;

async function findStarts(path: string): Promise<ReadonlyMap<string, number>> {
  const starts = new Map<string, number>();
  if ((await sizeOf(path)) === undefined) return starts;
  for await (const chunk of lineChunks(path)) {
    forEachLine(chunk, (bytes, start, end, offset) => {
      const line = parseObject<Line>(bytes, start, end);
      if (line && !starts.has(keyOf(line))) starts.set(keyOf(line), offset);
    });
  }
  return starts;
}
