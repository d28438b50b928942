import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'pg';
import type { DataEntry, SeriesPoint } from '../../definition/record.js';
import { sizeOf } from '../file/file-size.js';
import { type DerivedLine, derivedValues, isDerivedLine, slotOfDerived } from '../file/formats/derived.js';
import { forEachLine, type LineChunk, lineChunks, NEWLINE, parseObject } from '../file/formats/lines.js';
import { readRecord } from '../file/formats/read-record.js';
import { isPoint } from '../file/formats/sidecars.js';
import { readRewritten } from '../file/rewritten.js';
import type { LineKind } from '../store.js';
import { updateExperimentView } from './experiment-view.js';
import { type Derivations, IndexBatch } from './index-batch.js';
import { indexDerivations, indexManifests } from './index-manifests.js';
import { dataRow, derivedRow, type LinePlace, needsLine, pointRow, runRow } from './index-rows.js';
import { unreadLines } from './unread-lines.js';
import { type TypedValue, ValueTypes } from './value-types.js';

/** Of a transaction, in bytes: larger ones are no faster. */
const BATCH_LENGTH = 8 << 20;
const PIECE_BYTES = 32 * 1024;

/** What indexing an experiment came to. */
export interface IndexedExperiment {
  readonly experiment_id: string;
  /** Records that were read now, superseded ones too. */
  readonly records: number;
  /** Bytes of all files that were read now. */
  readonly bytes: number;
  /** Values without a column in the experiment's view. */
  readonly left_out: number;
}

export interface IndexOptions {
  /** Reads everything again. */
  readonly rebuild?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** How many bytes of files are indexed, and how many there are to index. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads what was written since the last time, in constant memory. Another process that indexes the same experiment does so
 * before or after.
 */
export async function indexExperiment(
  client: Client,
  experiment: string,
  folder: string,
  options: IndexOptions = {},
): Promise<IndexedExperiment> {
  const lock = [`metalab index ${experiment}`];
  await client.query('SELECT pg_advisory_lock(hashtextextended(current_schema() || $1, 0))', lock);
  try {
    return await new ExperimentIndexing(client, experiment, folder, options).run();
  } finally {
    await client
      .query('SELECT pg_advisory_unlock(hashtextextended(current_schema() || $1, 0))', lock)
      .catch(() => {});
  }
}

/** Deletes all that the index has of an experiment, but not its view. */
export async function deleteExperiment(client: Client, experiment: string): Promise<void> {
  await client.query('BEGIN');
  for (const table of [
    'runs',
    'derived_lines',
    'points',
    'data_lines',
    'segments',
    'manifest_files',
    'value_types',
    'experiments',
  ])
    await client.query(`DELETE FROM ${table} WHERE experiment = $1`, [experiment]);
  await client.query('COMMIT');
}

class ExperimentIndexing {
  readonly #client: Client;
  readonly #experiment: string;
  readonly #folder: string;
  readonly #options: IndexOptions;
  readonly #known = new Map<string, { readonly id: number; readonly bytes: number }>();
  #types = new ValueTypes([]);
  #derivations: Derivations = new Map();
  #batch: IndexBatch;
  #writing: Promise<void> = Promise.resolve();
  #records = 0;
  #bytes = 0;
  #total = 0;

  constructor(client: Client, experiment: string, folder: string, options: IndexOptions) {
    this.#client = client;
    this.#experiment = experiment;
    this.#folder = folder;
    this.#options = options;
    this.#batch = new IndexBatch(experiment);
  }

  async run(): Promise<IndexedExperiment> {
    const client = this.#client;
    const experiment = this.#experiment;
    await this.#readPositions();
    const rewritten = await readRewritten(this.#folder);
    if (this.#options.rebuild || (await this.#isAnyLost()) || (await this.#isAnyRewritten(rewritten))) {
      await deleteExperiment(client, experiment);
      this.#known.clear();
    }
    await indexManifests(client, experiment, this.#folder);
    this.#derivations = await indexDerivations(client, experiment, this.#folder);
    await client.query('UPDATE experiments SET rewritten = $2 WHERE experiment = $1 AND rewritten <> $2', [
      experiment,
      rewritten,
    ]);
    const { rows } = await client.query<TypedValue>(
      'SELECT source, key, type FROM value_types WHERE experiment = $1',
      [experiment],
    );
    this.#types = new ValueTypes(rows);
    await this.#readFiles();
    const left_out = await updateExperimentView(client, experiment);
    return { experiment_id: experiment, records: this.#records, bytes: this.#bytes, left_out };
  }

  async #readPositions(): Promise<void> {
    const { rows } = await this.#client.query<{ id: number; path: string; bytes: string }>(
      'SELECT id, path, bytes FROM segments WHERE experiment = $1',
      [this.#experiment],
    );
    for (const { id, path, bytes } of rows) this.#known.set(path, { id, bytes: Number(bytes) });
  }

  /** What a file that is gone or shorter now had said may be in any table. */
  async #isAnyLost(): Promise<boolean> {
    for (const [path, { bytes }] of this.#known)
      if (bytes > 0 && ((await sizeOf(`${this.#folder}/${path}`)) ?? -1) < bytes) return true;
    return false;
  }

  /** Whether lines that were read may have changed since. */
  async #isAnyRewritten(now: string): Promise<boolean> {
    const { rows } = await this.#client.query<{ rewritten: string }>(
      'SELECT rewritten FROM experiments WHERE experiment = $1',
      [this.#experiment],
    );
    return rows[0] !== undefined && rows[0].rewritten !== now;
  }

  async #readFiles(): Promise<void> {
    const covered = Object.fromEntries([...this.#known].map(([path, { bytes }]) => [path, bytes]));
    const files = await unreadLines(this.#folder, covered);
    for (const { from, to } of files) this.#total += to - from;
    for (const { kind, name, path, from, to } of files) {
      const place = await this.#placeOf(kind, name);
      for await (const chunk of lineChunks(path, { from, to })) {
        let damaged = 0;
        const onCorrupt = () => damaged++;
        for (const piece of piecesOf(chunk)) {
          forEachLine(
            piece,
            (bytes, start, end, offset) => {
              if (!this.#add(kind, bytes, start, end, place, offset)) damaged++;
            },
            onCorrupt,
          );
          // The batch before is written meanwhile.
          await nextTurn();
        }
        this.#bytes += chunk.bytes.length;
        this.#batch.noteProgress(
          place.segmentId,
          chunk.offset + chunk.bytes.length,
          kind === 'records' ? damaged : 0,
        );
        if (this.#batch.length >= BATCH_LENGTH) await this.#write();
        if (this.#options.signal?.aborted) break;
      }
      if (this.#options.signal?.aborted) break;
    }
    await this.#write();
    await this.#writing;
  }

  async #placeOf(kind: LineKind, name: string): Promise<LinePlace> {
    const known = this.#known.get(name);
    // A new one is written after the batch before: there is one connection.
    const id = known?.id ?? (await this.#newSegment(name));
    const segment = name.replace(/^segments\//, '');
    return {
      experiment: this.#experiment,
      submission: dirname(segment),
      segment,
      segmentId: id,
      slot: kind === 'derived' ? slotOfDerived(name) : null,
    };
  }

  async #newSegment(path: string): Promise<number> {
    await this.#writing;
    const { rows } = await this.#client.query<{ id: number }>(
      'INSERT INTO segments (experiment, path, bytes) VALUES ($1, $2, 0) RETURNING id',
      [this.#experiment, path],
    );
    return rows[0]!.id;
  }

  /** @returns false where the line is not what it should be */
  #add(kind: LineKind, bytes: Buffer, start: number, end: number, place: LinePlace, offset: number): boolean {
    const line = bytes.subarray(start, end);
    if (kind === 'records') {
      const record = readRecord(bytes, start, end);
      if (!record) return false;
      this.#types.add('params', record.params);
      const finite = this.#types.add('metrics', record.metrics);
      this.#batch.add('runs', record.run_id, runRow(record, finite, place, offset), line);
      return true;
    }
    const object = parseObject<DerivedLine | SeriesPoint | DataEntry>(bytes, start, end);
    if (typeof object?.run_id !== 'string') return false;
    const { run_id } = object;
    if (kind === 'derived') {
      const derived = object as DerivedLine;
      if (!isDerivedLine(derived)) return false;
      this.#types.add('derived', derivedValues(derived));
      this.#batch.add('derived_lines', run_id, derivedRow(derived, place, offset), line);
    } else if (kind === 'series') {
      const point = object as SeriesPoint;
      if (!isPoint(point)) return false;
      this.#batch.add('points', run_id, pointRow(point, place, offset), needsLine(point) ? line : undefined);
    } else this.#batch.add('data_lines', run_id, dataRow(object as DataEntry, place, offset), line);
    return true;
  }

  /** While PostgreSQL takes a batch, the next one is read. */
  async #write(): Promise<void> {
    await this.#writing;
    const batch = this.#batch;
    this.#batch = new IndexBatch(this.#experiment);
    const types = this.#types.takeAdded();
    const done = this.#bytes;
    this.#writing = batch.write(this.#client, types, this.#derivations).then(() => {
      this.#records += batch.records;
      this.#options.onProgress?.(done, this.#total);
    });
    this.#writing.catch(() => {});
  }
}

/** Whole lines, some ms' work at a time: nothing is written while they are read. */
function* piecesOf({ bytes, offset }: LineChunk): Generator<LineChunk> {
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(NEWLINE, Math.min(from + PIECE_BYTES, bytes.length - 1)) + 1;
    yield { bytes: bytes.subarray(from, to), offset: offset + from };
    from = to;
  }
}
