import { wellFormedJson } from '../../../definition/well-formed.js';
import { NEWLINE } from '../formats/lines.js';

/** Whether a line of JSON has half of a surrogate pair, which some readers refuse. */
export function hasMalformedText(bytes: Buffer, start: number, end: number): boolean {
  if (!mayHave(bytes.subarray(start, end))) return false;
  const text = bytes.toString('latin1', start, end);
  return wellFormedJson(text) !== text;
}

/** A segment's bytes with U+FFFD for every half: everything stays where it is, since the escapes are equally long. */
export async function* mendedText(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // A line's escapes are told apart from its beginning on: lines are kept together.
  let rest: Buffer[] = [];
  for await (const block of blocks) {
    const whole = block.lastIndexOf(NEWLINE) + 1;
    if (whole > 0) {
      yield mend(Buffer.concat([...rest, block.subarray(0, whole)]));
      rest = [];
    }
    if (whole < block.length) rest.push(block.subarray(whole));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

const mayHave = (bytes: Buffer) => bytes.includes('\\ud') || bytes.includes('\\uD');

/** As latin1 every byte is a character, and back: what is no UTF-8 stays so. */
const mend = (bytes: Buffer) =>
  mayHave(bytes)
    ? Buffer.from(bytes.toString('latin1').split('\n').map(wellFormedJson).join('\n'), 'latin1')
    : bytes;
