import { parseObject } from './lines.js';

const RUN_ID = Buffer.from('{"run_id":"');
const QUOTE = 0x22;

/**
 * The run_id of a line of any segment, without parsing the rest: all lines that metalab writes begin with it.
 *
 * @returns undefined where it is no line of a run
 */
export function runIdOf(bytes: Buffer, start: number, end: number): string | undefined {
  const from = start + RUN_ID.length;
  if (from < end && bytes.subarray(start, from).equals(RUN_ID)) {
    const to = bytes.indexOf(QUOTE, from);
    return to !== -1 && to < end ? bytes.toString('latin1', from, to) : undefined;
  }
  const id = parseObject<{ readonly run_id?: unknown }>(bytes, start, end)?.run_id;
  return typeof id === 'string' ? id : undefined;
}
