import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { faultCode, storeFault } from '../faults.js';
import { sizeOf } from '../file-size.js';
import { segmentsFolder } from '../layout.js';
import { NEWLINE } from './lines.js';
import { listSegments, type Segment } from './segments.js';

/** A segment of which the compacted records cover more than there is. */
export interface LostSegment {
  readonly path: string;
  readonly coveredBytes: number;
  /** What is left of it; undefined where it is gone. */
  readonly bytes: number | undefined;
}

/**
 * The covered segments that have disappeared since, or are shorter than what is covered. Planning goes by the segments and
 * counts their runs as missing: compacted records with them are no cache of what is there.
 *
 * @param covered bytes by segment name
 */
export async function findLost(
  folder: string,
  covered: { readonly [segment: string]: number },
): Promise<LostSegment[]> {
  const lost: LostSegment[] = [];
  for (const [name, coveredBytes] of Object.entries(covered)) {
    const path = join(segmentsFolder(folder), name);
    const bytes = await sizeOf(path);
    if (bytes === undefined || bytes < coveredBytes) lost.push({ path, coveredBytes, bytes });
  }
  return lost;
}

/** A segment with lines that the compacted records don't cover: those from `from` to `to`, whole ones. */
export interface UncoveredSegment extends Segment {
  readonly from: number;
  readonly to: number;
}

const WINDOW_BYTES = 64 * 1024;

/**
 * What of an experiment's record segments is not covered yet.
 *
 * @param covered bytes by segment name; undefined: nothing is
 */
export async function listUncovered(
  folder: string,
  covered: { readonly [segment: string]: number } | undefined,
): Promise<UncoveredSegment[]> {
  return uncoveredOf(await listSegments(folder, 'records'), covered);
}

/** What of some segments is not covered yet. */
export async function uncoveredOf(
  segments: readonly Segment[],
  covered: { readonly [segment: string]: number } | undefined,
): Promise<UncoveredSegment[]> {
  const uncovered: UncoveredSegment[] = [];
  for (const segment of segments) {
    const from = covered && Object.hasOwn(covered, segment.name) ? covered[segment.name]! : 0;
    const to = (await sizeOf(segment.path)) ?? 0;
    if (to > from) uncovered.push({ ...segment, from, to });
  }
  return uncovered;
}

/** Cuts torn tails, or lines that are being written, off: what is left ends with a newline. */
export async function wholeLines(segments: readonly UncoveredSegment[]): Promise<UncoveredSegment[]> {
  const whole: UncoveredSegment[] = [];
  for (const segment of segments) {
    const to = await lastLineEnd(segment);
    if (to > segment.from) whole.push({ ...segment, to });
  }
  return whole;
}

async function lastLineEnd({ path, from, to }: UncoveredSegment): Promise<number> {
  try {
    const handle = await open(path, 'r');
    try {
      const window = Buffer.allocUnsafe(WINDOW_BYTES);
      for (let end = to; end > from; ) {
        const start = Math.max(from, end - WINDOW_BYTES);
        const { bytesRead } = await handle.read(window, 0, end - start, start);
        const newline = window.subarray(0, bytesRead).lastIndexOf(NEWLINE);
        if (newline !== -1) return start + newline + 1;
        end = start;
      }
      return from;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return from;
    throw storeFault(error, path);
  }
}
