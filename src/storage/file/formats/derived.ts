import { join } from 'node:path';
import type { DerivedMetrics, DerivedResult } from '../../../definition/derivation.js';
import { decodeNumber, numberText } from '../../../definition/non-finite.js';
import type { RunRecord } from '../../../definition/record.js';
import { wellFormedJson } from '../../../definition/well-formed.js';
import type { ExperimentManifest } from '../../manifest.js';
import { derivedFolder, manifestFile, segmentKindOf, writerOf } from '../layout.js';
import { listNames } from '../list-names.js';
import { readJson } from '../read-json.js';
import type { UncoveredSegment } from './coverage.js';
import { forEachLine, lineChunks, parseObject } from './lines.js';
import { listSegments, readObjects, type Segment } from './segments.js';

/** One line: what one derivation came to for one execution of a run. */
export interface DerivedLine {
  readonly run_id: string;
  readonly attempt: number;
  readonly generation: number;
  readonly derivation: string;
  /** The fingerprint of the derivation's code. */
  readonly code: string;
  readonly values?: DerivedMetrics;
  readonly error?: { readonly type: string; readonly message: string };
}

/** Whether a line names its derivation and that derivation's code. What is left of a damaged line may still be JSON. */
export const isDerivedLine = ({ derivation, code }: Partial<DerivedLine>): boolean =>
  typeof derivation === 'string' && typeof code === 'string';

type RunExecution = Pick<DerivedLine, 'run_id' | 'attempt' | 'generation'>;

export function derivedLine(run: RunExecution, code: string, result: DerivedResult): string {
  const { run_id, attempt, generation } = run;
  const came = 'values' in result ? `"values":${valuesText(result.values)}` : `"error":${errorText(result)}`;
  return wellFormedJson(
    `{"run_id":"${run_id}","attempt":${attempt},"generation":${generation}` +
      `,"derivation":${JSON.stringify(result.derivation)},"code":"${code}",${came}}`,
  );
}

const errorText = ({ error: { type, message } }: Extract<DerivedResult, { error: unknown }>) =>
  JSON.stringify({ type, message });

function valuesText(values: DerivedMetrics): string {
  const members = Object.entries(values).map(([name, value]) => {
    const text = typeof value === 'number' ? numberText(value) : JSON.stringify(value);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(',')}}`;
}

/** The line's values, with numbers that are not finite as numbers. */
export const derivedValues = ({ values = {} }: DerivedLine): DerivedMetrics =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, decodeNumber(value)]));

/**
 * The name of a metric that several derivations gave. `metalab derive` refuses such a metric, but stores of older versions and
 * merged stores may have one. Each derivation's values then have a column of their own.
 */
export const contestedName = (metric: string, derivation: string): string => `${metric} (${derivation})`;

/** All files of derived lines: those of slots beside their segments, and those that were computed afterwards. */
export async function listDerived(folder: string): Promise<Segment[]> {
  const ofSlots = (await listSegments(folder, 'derived')).map(({ name, path }) => ({
    name: `segments/${name}`,
    path,
  }));
  const names = (await listNames(derivedFolder(folder))).filter((name) => segmentKindOf(name) === 'derived');
  const afterwards = names.map((name) => ({
    name: `derived/${name}`,
    path: join(derivedFolder(folder), name),
  }));
  return [...ofSlots, ...afterwards];
}

/**
 * Goes through derived lines that have values, file by file.
 *
 * @param onLine `slot`: as {@link slotOfDerived}; `bytes`: the line's length
 * @param afterChunk is awaited before further lines are read
 */
export async function scanDerived(
  files: readonly UncoveredSegment[],
  onLine: (line: DerivedLine, slot: string | null, bytes: number) => void,
  afterChunk: () => Promise<void>,
): Promise<void> {
  for (const { name, path, from, to } of files) {
    const slot = slotOfDerived(name);
    for await (const chunk of lineChunks(path, { from, to })) {
      forEachLine(chunk, (bytes, start, end) => {
        const line = parseObject<DerivedLine>(bytes, start, end);
        if (line?.values && isDerivedLine(line)) onLine(line, slot, end - start);
      });
      await afterChunk();
    }
  }
}

/** `derived/{name}.json`: a derivation that was applied afterwards. */
export interface AppliedDerivation {
  readonly name: string;
  readonly ref: string;
  readonly code_fingerprint: string;
  /** ISO 8601, UTC. */
  readonly applied_at: string;
  /** The metrics that it gave so far; missing in files of older versions. */
  readonly metrics?: readonly string[];
}

/**
 * The derivation of each metric of those that were applied afterwards. Derivations that run in slots, which see no other
 * runs, are refused these names.
 *
 * @param declared derivations that are not meant: those of a declaration
 */
export async function ownersOfDerived(
  folder: string,
  declared: Iterable<string>,
): Promise<{ readonly [metric: string]: string }> {
  const others = new Set(declared);
  const owners: [string, string][] = [];
  for (const applied of await readApplied(folder))
    if (!others.has(applied.name))
      for (const metric of applied.metrics ?? []) owners.push([metric, applied.name]);
  return Object.fromEntries(owners);
}

async function readApplied(folder: string): Promise<AppliedDerivation[]> {
  const applied: AppliedDerivation[] = [];
  for (const file of await listNames(derivedFolder(folder))) {
    if (!file.endsWith('.json')) continue;
    const read = await readJson<AppliedDerivation>(join(derivedFolder(folder), file));
    if (read) applied.push(read);
  }
  return applied;
}

/**
 * The code of each derivation whose values count: of those that the latest submission declares and those applied
 * afterwards, whichever came last.
 */
export async function currentDerivations(folder: string): Promise<ReadonlyMap<string, string>> {
  const manifest = await readJson<ExperimentManifest>(manifestFile(folder));
  const codes = new Map(
    Object.entries(manifest?.derived ?? {}).map(([name, { code_fingerprint }]) => [name, code_fingerprint]),
  );
  for (const applied of await readApplied(folder)) {
    if (codes.has(applied.name) && applied.applied_at < manifest!.submitted_at) continue;
    codes.set(applied.name, applied.code_fingerprint);
  }
  return codes;
}

/** What is derived of one run. */
export interface DerivedOfRun {
  readonly derived: DerivedMetrics;
  /** The derivations that failed. */
  readonly failed: readonly {
    readonly derivation: string;
    readonly type: string;
    readonly message: string;
  }[];
}

/** The metrics that are derived of a run, by the code that counts. */
export async function readDerived(folder: string, record: RunRecord): Promise<DerivedOfRun> {
  const codes = await currentDerivations(folder);
  const lines = new Map<string, DerivedLine>();
  if (codes.size === 0) return { derived: {}, failed: [] };
  const { run_id, generation, attempt, provenance } = record;
  for (const { name, path } of await listDerived(folder)) {
    if (isOfOtherSlot(name, provenance.slot)) continue;
    for await (const { object: line } of readObjects<DerivedLine>(path, { matching: run_id })) {
      if (line.run_id !== run_id || line.generation !== generation || line.attempt !== attempt) continue;
      if (!isDerivedLine(line)) continue;
      if (codes.get(line.derivation) !== line.code || lines.get(line.derivation)?.values) continue;
      lines.set(line.derivation, line);
    }
  }
  const all = [...lines.values()];
  const values = all.flatMap((line) =>
    Object.entries(derivedValues(line)).map(([name, value]) => ({ name, value, of: line.derivation })),
  );
  const isContested = ({ name, of }: (typeof values)[number]) =>
    values.some((other) => other.name === name && other.of !== of);
  return {
    derived: Object.fromEntries(
      values.map((each) => [isContested(each) ? contestedName(each.name, each.of) : each.name, each.value]),
    ),
    failed: all.flatMap(({ derivation, error }) => (error ? [{ derivation, ...error }] : [])),
  };
}

/** The same attempt may have been on a slot that was given up too early: what counts is the recorder's. */
const isOfOtherSlot = (name: string, slot: unknown) =>
  slotOfDerived(name) !== null && slotOfDerived(name) !== slot;

/** The slot that computed the lines of a file while it executed the runs; null if they were computed afterwards. */
export const slotOfDerived = (name: string): string | null =>
  name.startsWith('segments/') ? writerOf(name) : null;
