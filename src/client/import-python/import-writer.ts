import { createReadStream, readFileSync } from 'node:fs';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import type { DerivedMetrics } from '../../definition/derivation.js';
import type { ArtifactContent } from '../../definition/record.js';
import { IncomingArtifact } from '../../execution/incoming-artifact.js';
import type { Cell } from '../../identity/cells.js';
import { hashContent } from '../../identity/hash-content.js';
import { derivedLine } from '../../storage/file/formats/derived.js';
import { MAX_PACKED_BYTES } from '../../storage/file/formats/pack.js';
import { PackWriter } from '../../storage/file/formats/pack-writer.js';
import { type Outcome, RecordLines } from '../../storage/file/formats/record-line.js';
import { FLUSH_BYTES, newWriterName, SegmentWriter } from '../../storage/file/formats/segment-writer.js';
import { dataLine, logLine, seriesLine } from '../../storage/file/formats/sidecars.js';
import { derivedFolder, segmentName, segmentsFolder } from '../../storage/file/layout.js';
import { DERIVATION, IMPORTED_CODE, IMPORTED_FROM } from './declare-imported.js';
import type { PythonLogLine } from './python-logs.js';
import type { PythonResult } from './python-results.js';

/** Imported runs have one attempt. */
export const ATTEMPT = 1;
/** What is not synced when the import is killed is imported again. */
const RECORDS_A_SYNC = 1000;

/** Writes imported runs as a slot does: into segments and packs of its own. */
export class ImportWriter {
  readonly #folder: string;
  readonly #lines: RecordLines;
  readonly #records: SegmentWriter;
  readonly #logs: SegmentWriter;
  readonly #series: SegmentWriter;
  readonly #data: SegmentWriter;
  readonly #derived: SegmentWriter;
  readonly #packs: PackWriter;
  #unsynced = 0;

  /** @param folder the experiment's */
  constructor(folder: string, submission: string, declaration: ExperimentDeclaration) {
    const writer = newWriterName();
    const segments = segmentsFolder(folder, submission);
    this.#folder = folder;
    this.#lines = new RecordLines(declaration, { imported_from: IMPORTED_FROM, slot: writer });
    this.#records = new SegmentWriter(segments, segmentName('records', writer));
    this.#logs = new SegmentWriter(segments, segmentName('logs', writer));
    this.#series = new SegmentWriter(segments, segmentName('series', writer));
    this.#data = new SegmentWriter(segments, segmentName('data', writer));
    // Not beside the segments: there, lines count only for the records of the same writer.
    this.#derived = new SegmentWriter(derivedFolder(folder), segmentName('derived', writer));
    this.#packs = new PackWriter(folder, submission, writer);
  }

  log(cell: Cell, { at, level, message }: PythonLogLine): void {
    append(this.#logs, logLine(cell, ATTEMPT, at, level, message));
  }

  result(cell: Cell, result: PythonResult): void {
    const { name } = result;
    if ('value' in result) append(this.#data, dataLine(cell, ATTEMPT, name, JSON.stringify(result.value)));
    else
      for (const [step, value] of result.points)
        append(this.#series, seriesLine(cell, ATTEMPT, name, step, value));
  }

  derived({ runId, generation }: Pick<Cell, 'runId' | 'generation'>, values: DerivedMetrics): void {
    const run = { run_id: runId, generation, attempt: ATTEMPT };
    append(this.#derived, derivedLine(run, IMPORTED_CODE, { derivation: DERIVATION, values }));
  }

  /** @throws the system's error where the file can't be read */
  async artifact(path: string, size: number): Promise<ArtifactContent> {
    if (size <= MAX_PACKED_BYTES) return this.#packs.store(readFileSync(path));
    const hashed = await hashContent(path);
    const content = { ...hashed, uri: `artifacts/${hashed.content_hash}` };
    const incoming = await IncomingArtifact.begin(this.#folder, content);
    try {
      for await (const block of createReadStream(path)) await incoming.add(block as Buffer);
      const [kept] = await incoming.keep();
      if (kept?.status !== 'brought') throw new Error('it changed while it was read');
      return content;
    } finally {
      await incoming.close();
    }
  }

  /** Ends a run: what it refers to was written before. */
  record(cell: Cell, outcome: Outcome): void {
    append(this.#records, this.#lines.line(cell, outcome), () => this.#flushOutputs());
    if (++this.#unsynced >= RECORDS_A_SYNC) this.sync();
  }

  /** What was written so far survives a power failure once this returns. */
  sync(): void {
    this.#flushOutputs();
    for (const segment of [this.#logs, this.#series, this.#data, this.#derived]) segment.sync();
    this.#packs.sync();
    this.#records.flush();
    this.#records.sync();
    this.#unsynced = 0;
  }

  close(): void {
    for (const segment of [this.#records, this.#logs, this.#series, this.#data, this.#derived])
      segment.close();
  }

  #flushOutputs(): void {
    for (const segment of [this.#logs, this.#series, this.#data, this.#derived]) segment.flush();
    this.#packs.flush();
  }
}

function append(segment: SegmentWriter, line: string, before?: () => void): void {
  segment.append(line);
  if (segment.pendingBytes < FLUSH_BYTES) return;
  before?.();
  segment.flush();
}
