import { compareContenders } from '../final-record.js';
import { scanLines } from './lines.js';
import { type RecordHead, RecordHeads } from './record-head.js';
import type { CorruptLine } from './records.js';
import { listSegments } from './segments.js';

export type { RecordHead } from './record-head.js';

/** Whether anything was ever recorded for the experiment in this folder. */
export const hasSegments = async (folder: string): Promise<boolean> =>
  (await listSegments(folder, 'records')).length > 0;

/** Who hears of lines that are no records; and what is left out, as compacted: bytes by segment name. */
export interface ScanOptions {
  readonly onCorrupt?: (line: CorruptLine) => void;
  readonly covered?: { readonly [segment: string]: number } | undefined;
}

/**
 * Goes through the heads of all records, of one submission or of all, in constant memory.
 *
 * @param onHead gets a view that is valid only until it returns: copy what is to be kept
 */
export async function scanRecordHeads(
  folder: string,
  submission: string | undefined,
  onHead: (head: RecordHead) => void,
  { onCorrupt, covered }: ScanOptions = {},
): Promise<void> {
  const heads = new RecordHeads();
  for (const { name, path } of await listSegments(folder, 'records', submission)) {
    const corrupt = (offset: number) => onCorrupt?.({ segment: name, offset });
    await scanLines(
      path,
      (bytes, start, end, offset) => {
        const head = heads.read(bytes, start, end, name, offset);
        if (head) onHead(head);
        else corrupt(offset);
      },
      { from: covered && Object.hasOwn(covered, name) ? covered[name]! : 0, onCorrupt: corrupt },
    );
  }
}

/**
 * The final record's head of every run that is wanted, by run_id. Memory: about 300 bytes each.
 *
 * @param wanted which heads count; by default all
 */
export async function scanFinalHeads(
  folder: string,
  wanted: (head: RecordHead) => boolean = () => true,
  options: ScanOptions = {},
): Promise<Map<string, RecordHead>> {
  const finals = new Map<string, RecordHead>();
  const texts = new Map<string, string>();
  /** The few code and context fingerprints are kept once, not once a run. */
  const once = (text: string) => {
    if (!texts.has(text)) texts.set(text, text);
    return texts.get(text) ?? text;
  };
  await scanRecordHeads(
    folder,
    undefined,
    (head) => {
      if (!wanted(head)) return;
      const standing = finals.get(head.run_id);
      if (standing && compareContenders(standing, head) <= 0) return;
      finals.set(head.run_id, {
        run_id: head.run_id,
        status: head.status,
        generation: head.generation,
        context_fingerprint: once(head.context_fingerprint),
        params_fingerprint: head.params_fingerprint,
        seed_fingerprint: head.seed_fingerprint,
        code_fingerprint: once(head.code_fingerprint),
        index: head.index,
        finished_at: head.finished_at,
        segment: head.segment,
        offset: head.offset,
      });
    },
    options,
  );
  return finals;
}
