import { open, rm } from 'node:fs/promises';
import type { ArtifactDescriptor, SeriesPoint } from '../../../definition/record.js';
import { StoredArtifacts } from '../artifacts.js';
import type { ByteRange } from '../byte-range.js';
import { sizeOf } from '../file-size.js';
import { type DerivedLine, isDerivedLine } from '../formats/derived.js';
import { forEachLine, lineChunks, parseObject } from '../formats/lines.js';
import type { Segment } from '../formats/segments.js';
import { isPoint } from '../formats/sidecars.js';
import { runsFile, type SegmentKind } from '../layout.js';
import { noteRewritten } from '../rewritten.js';
import { RecordLinesCheck } from './check-records.js';
import type { Check, Finding } from './finding.js';
import { blankLines, healFile } from './heal-file.js';
import { hasMalformedText, mendedText } from './malformed-text.js';
import type { MissingArtifact } from './missing-artifacts.js';

const MAX_NAMED = 5;

interface BadLine extends ByteRange {
  readonly fault: string;
}

/**
 * Goes through a segment once: lines that are not what they should be, and its tail.
 *
 * @param missing gets artifacts that are not there
 */
export async function* checkSegment(
  check: Check,
  segment: Segment,
  kind: SegmentKind,
  missing: MissingArtifact[],
): AsyncGenerator<Finding> {
  const { folder, checked } = check;
  const lines = new RecordLinesCheck(check);
  const bad: BadLine[] = [];
  const malformed: number[] = [];
  const stored = new StoredArtifacts(folder);
  let end = 0;
  for await (const chunk of lineChunks(segment.path)) {
    const named: {
      readonly offset: number;
      readonly runId: string;
      readonly artifact: ArtifactDescriptor;
    }[] = [];
    forEachLine(
      chunk,
      (bytes, from, to, offset) => {
        const fault =
          kind === 'records' ? lines.fault(bytes, from, to) : sidecarFault(check, kind, bytes, from, to);
        if (fault) bad.push({ from: offset, to: offset + to - from, fault });
        else if (kind === 'records' && hasMalformedText(bytes, from, to)) malformed.push(offset);
        for (const artifact of lines.artifacts) named.push({ offset, runId: lines.runId, artifact });
      },
      (offset) => {
        const to = chunk.bytes.indexOf(10, offset - chunk.offset) + chunk.offset;
        bad.push({ from: offset, to, fault: 'holds NUL bytes, or what is no UTF-8' });
      },
    );
    end = chunk.offset + chunk.bytes.length;
    for (const { artifact, ...record } of named)
      if (!(await stored.has(artifact)))
        missing.push({ ...record, segment, name: artifact.name, uri: artifact.uri });
  }
  await stored.close();
  checked.segments++;
  checked.bytes += end;
  if (bad.length > 0) yield damaged(check, segment, kind, bad);
  if (malformed.length > 0) yield withMalformedText(check, segment, malformed);
  yield* checkTail(segment, kind, end);
}

function sidecarFault(
  { options }: Check,
  kind: SegmentKind,
  bytes: Buffer,
  start: number,
  end: number,
): string | undefined {
  if (options.quick) return bytes[end - 1] === 0x7d ? undefined : 'is no JSON';
  const line = parseObject<Partial<DerivedLine & SeriesPoint>>(bytes, start, end);
  if (typeof line?.run_id !== 'string') return 'is no line of a run';
  if (kind === 'series' && !isPoint(line)) return 'lacks the name, step or value of a point';
  if (kind === 'derived' && !isDerivedLine(line)) return 'lacks the name or code of a derivation';
  return undefined;
}

function damaged({ folder }: Check, { path }: Segment, kind: SegmentKind, bad: readonly BadLine[]): Finding {
  const shown = bad.slice(0, MAX_NAMED).map(({ from, fault }) => `at byte ${from}: ${fault}`);
  const more = bad.length > MAX_NAMED ? `; and ${bad.length - MAX_NAMED} more` : '';
  const records = kind === 'records';
  return {
    severity: records ? 'error' : 'warning',
    kind: 'segment-damaged',
    path,
    offset: bad[0]!.from,
    what: `${bad.length} damaged line${bad.length === 1 ? '' : 's'}: ${shown.join('; ')}${more}`,
    costs: records
      ? 'the runs that these lines recorded, unless other records of them stand'
      : `these ${kind === 'logs' ? 'log lines' : `${kind} entries`}`,
    remedy: records
      ? '--repair takes the lines out, and keeps the damaged file in quarantine/; the next submit does these runs again'
      : '--repair takes the lines out, and keeps the damaged file in quarantine/',
    repair: {
      run: async () => {
        const kept = await healFile(folder, path, blankLines(bad));
        await noteRewritten(folder);
        // A cache, which may have rows of these lines from before they were damaged, or say how many are.
        if (records) await rm(runsFile(folder), { force: true });
        return `${bad.length} damaged lines taken out; the file as it was is ${kept}`;
      },
    },
  };
}

/** Older versions wrote such records. metalab reads them as the repair would make them. */
function withMalformedText({ folder }: Check, { path }: Segment, offsets: readonly number[]): Finding {
  const shown = offsets.slice(0, MAX_NAMED).join(', ');
  return {
    severity: 'warning',
    kind: 'text-malformed',
    path,
    offset: offsets[0]!,
    what: `${offsets.length} records hold half of a surrogate pair, at byte ${shown}${offsets.length > MAX_NAMED ? ', …' : ''}`,
    costs:
      'a runs.parquet that an older version made leaves these runs out, and so do programs such as DuckDB',
    remedy: '--repair writes U+FFFD (�) in its place, and keeps the file as it was in quarantine/',
    repair: {
      run: async () => {
        const kept = await healFile(folder, path, mendedText);
        await noteRewritten(folder);
        await rm(runsFile(folder), { force: true });
        return `the text of ${offsets.length} records made well-formed; the file as it was is ${kept}`;
      },
    },
  };
}

async function* checkTail({ path }: Segment, kind: SegmentKind, end: number): AsyncGenerator<Finding> {
  const size = (await sizeOf(path)) ?? end;
  if (size <= end) return;
  const nul = await isNul(path, end);
  yield {
    severity: 'note',
    kind: nul ? 'segment-nul-tail' : 'segment-torn-tail',
    path,
    offset: end,
    what: `${size - end} bytes at the end are ${nul ? 'NUL, as a crashed filesystem leaves them' : 'no whole line: its writer was killed, or is writing'}`,
    costs: kind === 'records' ? 'the run that was being recorded' : 'the line that was being written',
    remedy: kind === 'records' ? 'nothing: the same submission, or the next, does it again' : 'nothing',
  };
}

async function isNul(path: string, from: number): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, from);
    return buffer.subarray(0, bytesRead).every((byte) => byte === 0);
  } finally {
    await handle.close();
  }
}
