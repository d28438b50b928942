import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord } from '../../src/definition/record.js';
import { resultsOf } from '../../src/results/open.js';
import { checkStore, nothingChecked } from '../../src/storage/file/check/check-store.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { readRecords } from '../../src/storage/file/formats/records.js';
import { FLUSH_BYTES } from '../../src/storage/file/formats/segment-writer.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { EXPERIMENT, isTiny, RUNS } from './experiment.js';

/** What an undisturbed sweep came to: of each run, what must be the same however it was disturbed. */
export type Undisturbed = ReadonlyMap<string, string>;

export interface Findings {
  /** Runs executed more than once, times. */
  readonly again: number;
  /** How many that may be at most. */
  readonly most: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly failed: readonly string[];
  readonly leftBehind: readonly string[];
}

export async function readUndisturbed(root: string): Promise<Undisturbed> {
  const store = await openFileStore(root);
  return new Map((await finalRecords(store)).map((record) => [record.run_id, whatMatters(record)]));
}

/**
 * Compares a store with an undisturbed sweep's, and the executions that were counted with its runs.
 *
 * @param slotsHit how many slots the faults hit
 */
export async function examine(
  root: string,
  executions: string,
  undisturbed: Undisturbed,
  slotsHit: number,
): Promise<Findings> {
  const store = await openFileStore(root);
  const final = await finalRecords(store);
  const stored: RunRecord[] = [];
  for await (const { record } of readRecords(store.experimentFolder(EXPERIMENT))) stored.push(record);
  const counts = countExecutions(executions);
  const lost = [
    ...findDifferences(final, undisturbed),
    ...(await findMissingSidecars(store, final)),
    ...(await findBadArtifacts(store, final)),
    ...(await findDamage(root)),
    ...Array.from({ length: RUNS }, (_, x) => x)
      .filter((x) => !counts.has(x))
      .map((x) => `run of x = ${x} was never executed`),
  ];
  const again = excess(counts, () => true);
  const againLong = excess(counts, (x) => !isTiny(x));
  const most = slotsHit * (1 + unflushed(stored));
  const doubled = [
    // A run of a millisecond or more is written when it ends: a slot that is hit takes only the one in progress along.
    ...(againLong > slotsHit
      ? [`${againLong} runs over 1 ms were executed again, ${slotsHit} slots hit`]
      : []),
    ...(again > most ? [`${again} runs were executed again, at most ${most} expected`] : []),
    ...twice(final.map(({ run_id }) => run_id)).map((id) => `run ${id} has several final records`),
  ];
  const failed = stored
    .filter(({ status }) => status !== 'success')
    .map(({ run_id, status, error }) => `run ${run_id} is ${status}: ${error?.type}: ${error?.message}`);
  return { again, most, lost, doubled, failed, leftBehind: findLeftovers(root) };
}

async function finalRecords(store: FileStore): Promise<RunRecord[]> {
  const results = resultsOf(store, EXPERIMENT);
  const records: RunRecord[] = [];
  for await (const record of results.records()) records.push(record);
  await results.close();
  return records;
}

const whatMatters = ({ params, metrics, artifacts, index, replicate, generation }: RunRecord) =>
  JSON.stringify({
    ...{ index, replicate, generation, params, metrics },
    artifacts: artifacts.map(({ name, content_hash, size_bytes }) => [name, content_hash, size_bytes]),
  });

function findDifferences(final: readonly RunRecord[], undisturbed: Undisturbed): string[] {
  const found = new Map(final.map((record) => [record.run_id, whatMatters(record)]));
  const strange = [...found.keys()].filter((id) => !undisturbed.has(id));
  return [
    ...strange.map((id) => `run ${id} is none of the undisturbed sweep's`),
    ...[...undisturbed].flatMap(([id, expected]) => {
      const actual = found.get(id);
      if (actual === undefined) return [`run ${id} has no record`];
      return actual === expected ? [] : [`run ${id} came to ${actual}, undisturbed to ${expected}`];
    }),
  ];
}

/** Three points of its series, once, and its line in the log. */
async function findMissingSidecars(store: FileStore, final: readonly RunRecord[]): Promise<string[]> {
  const missing: string[] = [];
  for (const record of final) {
    let points = 0;
    for await (const _ of store.series(record)) points++;
    let lines = 0;
    for await (const { message } of store.logs(EXPERIMENT, record))
      if (message === `measured ${record.params.x}`) lines++;
    if (points !== 3) missing.push(`run ${record.run_id} has ${points} points of its series, not 3`);
    if (lines === 0) missing.push(`run ${record.run_id} has lost its line in the log`);
  }
  return missing;
}

async function findBadArtifacts(store: FileStore, final: readonly RunRecord[]): Promise<string[]> {
  const bad: string[] = [];
  for (const { run_id, artifacts } of final)
    for (const artifact of artifacts) {
      const hash = createHash('sha256');
      try {
        for await (const piece of await store.openArtifact(EXPERIMENT, artifact)) hash.update(piece);
        if (hash.digest('hex') !== artifact.content_hash)
          bad.push(`run ${run_id}: ${artifact.uri} has other bytes`);
      } catch (error) {
        bad.push(`run ${run_id}: ${artifact.uri}: ${error}`);
      }
    }
  return bad;
}

/** What is torn at the end of a file is a trace of a writer that was killed; nothing else may be damaged. */
async function findDamage(root: string): Promise<string[]> {
  const options = { quick: false, alone: true, metalabVersion: '' };
  const damage: string[] = [];
  for await (const { severity, path, what } of checkStore(root, options, nothingChecked()))
    if (severity === 'error') damage.push(`${path}: ${what}`);
  return damage;
}

/** A torn line is one too: the process was killed in the middle of it, and O_APPEND puts the next behind it. */
function countExecutions(file: string): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const x = Number.parseInt(line, 10);
    counts.set(x, (counts.get(x) ?? 0) + 1);
  }
  return counts;
}

function excess(counts: ReadonlyMap<number, number>, counted: (x: number) => boolean): number {
  let sum = 0;
  for (const [x, count] of counts) if (counted(x)) sum += count - 1;
  return sum;
}

/** How many records a slot may hold that it has not written: 64 KiB of them, since it then writes whatever their age. */
function unflushed(stored: readonly RunRecord[]): number {
  const shortest = Math.min(...stored.map((record) => JSON.stringify(record).length));
  return Math.ceil(FLUSH_BYTES / shortest);
}

const twice = (values: readonly string[]) =>
  values.filter((value, position) => values.indexOf(value) !== position);

/** What only lives while a sweep does: temporary files, values of environment variables, live files. */
function findLeftovers(root: string): string[] {
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((path) => /\.tmp\b|\.tmp-|(^|\/)(env\.json|live)$/.test(path) || path.includes('/live/'))
    .map((path) => `${path} (${statSync(join(root, path)).size} bytes) is left in the store`);
}
