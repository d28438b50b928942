import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { StoreError } from '../../../definition/errors.js';
import type { Transport } from '../../../transport/transport.js';
import { isTransportError, NoAnswer } from '../cluster-retry.js';
import { COLLECT_SCRIPT, type CollectListener, CollectReader } from './collect-script.js';
import type { SegmentCopies } from './segment-copies.js';

/** A connection that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;
const GZIP_MAGIC = 0x1f;
const NEWLINE = 10;

/** An array whose tasks are asked about: its folder in the spool, and the number of known ends. */
export interface CollectedArray extends Pick<CollectListener, 'onEnded' | 'onLive'> {
  readonly folder: string;
  readonly ends: number;
  /** Prefixes of the names of segments whose writers disappeared without a report. */
  readonly unreported?: readonly string[];
}

/** Where to collect from. */
export interface CollectPlace {
  /** The spool's root and store id: nothing is accepted from another spool. */
  readonly root: string;
  readonly id: string;
  /** The experiment's folder in it. */
  readonly folder: string;
  /** The folder in it whose segments are copied: `segments`, or `segments/{submission}`. */
  readonly segments: string;
}

export interface CollectResult {
  /** New bytes of segments. */
  readonly bytes: number;
}

/**
 * One round trip: fetches all new bytes of an experiment's segments, and the reports of some arrays' tasks.
 *
 * @throws NoAnswer or TransportError if the answer was incomplete; what arrived is kept
 */
export async function collectOnce(
  transport: Transport,
  place: CollectPlace,
  copies: SegmentCopies,
  arrays: readonly CollectedArray[],
): Promise<CollectResult> {
  const known = [...(await copies.sizes())].map(([name, size]) => `k ${size} ${name}\n`).join('');
  const opened = arrays
    .flatMap(({ unreported = [] }) => unreported.map((prefix) => `w ${prefix}\n`))
    .join('');
  const folders = new Map(arrays.map((array) => [array.folder, array]));
  const silence = new AbortController();
  const command = [
    'sh',
    '-c',
    COLLECT_SCRIPT,
    'metalab',
    place.root,
    place.id,
    place.folder,
    place.segments,
    ...arrays.flatMap(({ folder, ends }) => [folder, String(ends)]),
  ];
  let bytes = 0;
  const torn = new Set<string>();
  const reader = new CollectReader({
    onEnded: (folder, end) => folders.get(folder)?.onEnded(folder, end),
    onLive: (folder, live) => folders.get(folder)?.onLive(folder, live),
    onBytes: async (name, offset, part) => {
      if (torn.has(name)) return;
      // Records contain no NUL: for a moment, a network filesystem shows NULs in place of what another node has
      // written.
      const nul = part.indexOf(0);
      if (nul !== -1) torn.add(name);
      const sound = nul === -1 ? part : part.subarray(0, nul);
      bytes += sound.length;
      if (sound.length > 0) await copies.write(name, offset, sound);
    },
  });
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const { stdout, ended } = await transport.stream(command, {
      stdin: `${opened}${known}`,
      signal: silence.signal,
    });
    ended.catch(() => {});
    for await (const piece of unpacked(stdout, () => timer.refresh())) await reader.add(piece);
    await ended;
    if (reader.away)
      throw new NoAnswer(
        `${transport.place}: ${place.root} is no longer the expected spool (store ${place.id}): is it mounted there?`,
      );
    if (!reader.ended) throw new NoAnswer(`${transport.place}: an answer was cut off`);
    return { bytes };
  } catch (error) {
    if (isStoreFault(error)) throw error;
    throw isTransportError(error) || error instanceof NoAnswer
      ? error
      : new NoAnswer((error as Error).message);
  } finally {
    clearTimeout(timer);
    await copies.endRound();
  }
}

const isStoreFault = (error: unknown) =>
  error instanceof StoreError ||
  (error instanceof Error &&
    !isTransportError(error) &&
    /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '') &&
    (error as NodeJS.ErrnoException).syscall !== undefined);

async function* unpacked(
  pieces: AsyncIterable<Uint8Array>,
  onPiece: () => void,
): AsyncGenerator<Uint8Array, void> {
  const iterator = pieces[Symbol.asyncIterator]();
  let first = await iterator.next();
  // Signs of life come before the compressed part.
  for (; !first.done; first = await iterator.next()) {
    onPiece();
    const begin = first.value.findIndex((byte) => byte !== NEWLINE);
    if (begin === -1) continue;
    first = { done: false, value: first.value.subarray(begin) };
    break;
  }
  async function* all() {
    for (let next = first; !next.done; next = await iterator.next()) {
      onPiece();
      yield next.value;
    }
  }
  if (first.done || first.value[0] !== GZIP_MAGIC) return yield* all();
  const gunzip = createGunzip();
  // The reader throws any error of it.
  pipeline(Readable.from(all()), gunzip, () => {});
  yield* gunzip as AsyncIterable<Uint8Array>;
}
