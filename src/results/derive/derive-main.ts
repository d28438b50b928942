import { dirname, join } from 'node:path';
import { Derivations } from '../../operation/derivations.js';
import { connect, run } from '../../operation/no-client.js';
import * as api from '../../operation/public.js';
import { Run } from '../../operation/recorded-run.js';
import { importBundle } from '../../operation/typescript/import-bundle.js';
import { derivedLine } from '../../storage/file/formats/derived.js';
import { openRecords } from '../../storage/file/formats/long-record.js';
import { newWriterName, SegmentWriter } from '../../storage/file/formats/segment-writer.js';
import { derivedFolder, segmentName, segmentsFolder } from '../../storage/file/layout.js';
import type { DeriveAnswer, DeriveRequest, DeriveSetup, DeriveTask } from './derive-process.js';
import { NeighbouringRuns } from './neighbouring-runs.js';

/**
 * The program of a child that computes derived metrics: it is told by messages which runs, and answers when their metrics
 * are on disk. Without its parent it ends.
 */
process.once('disconnect', () => process.exit(1));
// A terminal's Ctrl-C is meant for the parent, which ends this process when its present runs are computed.
process.on('SIGINT', () => {});
const send = process.send!.bind(process);
const answer = (message: DeriveAnswer) => send(message);
let worker: Promise<Worker> | undefined;

process.on('message', async (request: DeriveRequest) => {
  try {
    worker ??= Worker.open(request as DeriveSetup);
    if ('segment' in request) answer(await (await worker).derive(request));
    else {
      await worker;
      answer({ done: 0, owners: [], failed: [] });
    }
  } catch (error) {
    answer({ failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
});

class Worker {
  readonly #setup: DeriveSetup;
  readonly #derivations: Derivations;
  readonly #lines = openRecords();
  readonly #writer: SegmentWriter;
  readonly #neighbours: NeighbouringRuns;

  static async open(setup: DeriveSetup): Promise<Worker> {
    const { derived = {} } = await importBundle(setup.bundle, setup.native, { ...api, connect, run });
    return new Worker(setup, new Derivations(derived, setup.owners));
  }

  constructor(setup: DeriveSetup, derivations: Derivations) {
    this.#setup = setup;
    this.#derivations = derivations;
    this.#writer = new SegmentWriter(derivedFolder(setup.folder), segmentName('derived', newWriterName()));
    this.#neighbours = new NeighbouringRuns(setup.folder);
  }

  async derive({ segment, runs }: DeriveTask): Promise<DeriveAnswer> {
    const { folder, codes, limit_ms: limitMs } = this.#setup;
    const path = join(segmentsFolder(folder), segment);
    const failed: { run_id: string; derivation: string; message: string }[] = [];
    for (const { offset, derivations } of runs) {
      const record = await this.#lines.read(path, offset);
      if (!record) continue;
      const files = this.#neighbours.of(dirname(segment));
      const results = await this.#derivations.compute(new Run(files, record), derivations, { limitMs });
      for (const result of results ?? []) {
        this.#writer.append(derivedLine(record, codes[result.derivation]!, result));
        if (!('error' in result)) continue;
        const { type, message } = result.error;
        failed.push({ run_id: record.run_id, derivation: result.derivation, message: `${type}: ${message}` });
      }
    }
    this.#writer.flush();
    this.#writer.sync();
    return { done: runs.length, owners: [...this.#derivations.owners], failed };
  }
}
