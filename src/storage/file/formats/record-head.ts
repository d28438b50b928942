import { RUN_STATUSES, type RunRecord, type RunStatus } from '../../../definition/record.js';
import { hasObjectShape } from './json-shape.js';
import { parseObject } from './lines.js';

/** What planning and the rule of the final record need of a record. Valid only during the call that gives it. */
export type RecordHead = Pick<
  RunRecord,
  | 'run_id'
  | 'status'
  | 'generation'
  | 'context_fingerprint'
  | 'params_fingerprint'
  | 'seed_fingerprint'
  | 'code_fingerprint'
  | 'index'
  | 'finished_at'
> & {
  /** `{submission}/{file}`. */
  readonly segment: string;
  /** Byte offset of the record's line in its segment. */
  readonly offset: number;
};

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text));

// The keys up to `replicate`, as JSON.stringify writes them between their values.
const RUN_ID = bytesOf('{"run_id":"');
const EXPERIMENT = bytesOf('","experiment_id":"');
const STATUS = bytesOf('","status":"');
const GENERATION = bytesOf('","generation":');
const ATTEMPT = bytesOf(',"attempt":');
const CONTEXT = bytesOf(',"context_fingerprint":"');
const PARAMS = bytesOf('","params_fingerprint":"');
const SEED = bytesOf('","seed_fingerprint":"');
const CODE = bytesOf('","code_fingerprint":"');
const INDEX = bytesOf('","index":');
const REPLICATE = bytesOf(',"replicate":');
// And from there to `finished_at`.
const PARAMS_OBJECT = bytesOf(',"params":');
const METRICS_OBJECT = bytesOf(',"metrics":');
const STARTED = bytesOf(',"started_at":"');
const FINISHED = bytesOf('","finished_at":"');

const [QUOTE, BACKSLASH, ZERO, OPENING_BRACE, CLOSING_BRACE] = [0x22, 0x5c, 0x30, 0x7b, 0x7d];
const FINGERPRINT_LENGTH = 32;
const STATUS_BY_INITIAL = new Map(RUN_STATUSES.map((status) => [status.charCodeAt(0), status]));

/**
 * Reads heads without parsing lines: metalab writes a record's keys in one order, so each is where the one before ends,
 * and nothing that the user wrote comes before the last of them. One object stands for every line, and text is made only
 * of what is asked for. A line damaged beyond its head is no record, as it is for all who read it whole: looking there
 * takes more than half of the 1 µs that a line of 800 bytes costs; JSON.parse takes 4.3.
 */
export class RecordHeads {
  readonly #head: OrderedHead;

  /** @param options.whole false: only the head is looked at, in a third of the time */
  constructor(options: { readonly whole: boolean } = { whole: true }) {
    this.#head = new OrderedHead(options.whole);
  }

  /** @returns `undefined` where the line is no record; of a line in another order, its parsed record's head */
  read(bytes: Buffer, start: number, end: number, segment: string, offset: number): RecordHead | undefined {
    if (this.#head.parse(bytes, start, end, segment, offset)) return this.#head;
    const record = parseObject<RunRecord>(bytes, start, end);
    return record && isRecord(record) ? { ...record, segment, offset } : undefined;
  }
}

/** Whether a line has what makes a record; the rest may be missing where others wrote it. */
export const isRecord = (value: { readonly run_id?: unknown; readonly status?: unknown }): boolean =>
  typeof value.run_id === 'string' &&
  (value.status === 'success' || value.status === 'failed' || value.status === 'cancelled');

class OrderedHead implements RecordHead {
  status: RunStatus = 'success';
  generation = 0;
  index = 0;
  segment = '';
  offset = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #start = 0;
  #end = 0;
  #runId = 0;
  #context = 0;
  #params = 0;
  #seed = 0;
  #code = 0;
  #replicate = 0;
  readonly #whole: boolean;

  constructor(whole: boolean) {
    this.#whole = whole;
  }

  get run_id() {
    return this.#textAt(this.#runId);
  }
  get context_fingerprint() {
    return this.#textAt(this.#context);
  }
  get params_fingerprint() {
    return this.#textAt(this.#params);
  }
  get seed_fingerprint() {
    return this.#textAt(this.#seed);
  }
  get code_fingerprint() {
    return this.#textAt(this.#code);
  }
  /** It comes after params and metrics, which are skipped: what the user has in there could look like it. */
  get finished_at() {
    this.#at = this.#replicate;
    this.#readNumber();
    if (this.#step(PARAMS_OBJECT) && this.#skipObject() && this.#step(METRICS_OBJECT) && this.#skipObject()) {
      if (this.#step(STARTED)) {
        this.#skipText();
        const from = this.#at + FINISHED.length;
        if (this.#step(FINISHED))
          return this.#bytes.toString('latin1', from, this.#bytes.indexOf(QUOTE, from));
      }
    }
    return parseObject<RunRecord>(this.#bytes, this.#start, this.#end)?.finished_at ?? '';
  }

  /** @returns false where the line's keys are not the record's, in its order, or the rest is no JSON at first sight */
  parse(bytes: Buffer, start: number, end: number, segment: string, offset: number): boolean {
    this.#bytes = bytes;
    this.#at = this.#start = start;
    this.#end = end;
    this.segment = segment;
    this.offset = offset;
    if (bytes[end - 1] !== CLOSING_BRACE || !this.#step(RUN_ID)) return false;
    this.#runId = this.#skipFingerprint();
    if (!this.#step(EXPERIMENT)) return false;
    this.#skipText();
    if (!this.#step(STATUS)) return false;
    const status = STATUS_BY_INITIAL.get(bytes[this.#skipText()]!);
    if (!status || !this.#step(GENERATION)) return false;
    this.status = status;
    this.generation = this.#readNumber();
    if (!this.#step(ATTEMPT)) return false;
    this.#readNumber();
    if (!this.#step(CONTEXT)) return false;
    this.#context = this.#skipFingerprint();
    if (!this.#step(PARAMS)) return false;
    this.#params = this.#skipFingerprint();
    if (!this.#step(SEED)) return false;
    this.#seed = this.#skipFingerprint();
    if (!this.#step(CODE)) return false;
    this.#code = this.#skipFingerprint();
    if (!this.#step(INDEX)) return false;
    this.index = this.#readNumber();
    if (!this.#step(REPLICATE)) return false;
    this.#replicate = this.#at;
    return !this.#whole || hasObjectShape(bytes, this.#at, end);
  }

  #step(key: Uint8Array): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let byte = 0; byte < key.length; byte++) if (bytes[at + byte] !== key[byte]) return false;
    this.#at = at + key.length;
    return true;
  }

  /** Goes to the text's closing quote. @returns where the text begins */
  #skipText(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    while (at < this.#end && bytes[at] !== QUOTE) at++;
    this.#at = at;
    return from;
  }

  /** The same for a fingerprint, whose length is known. A wrong guess makes the next step fail. */
  #skipFingerprint(): number {
    if (this.#bytes[this.#at + FINGERPRINT_LENGTH] !== QUOTE) return this.#skipText();
    const from = this.#at;
    this.#at += FINGERPRINT_LENGTH;
    return from;
  }

  /** Goes past the object that begins here, by its braces outside of strings. @returns false where it has no end */
  #skipObject(): boolean {
    const bytes = this.#bytes;
    let depth = 0;
    for (let at = this.#at; at < this.#end; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        for (at++; at < this.#end && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
      } else if (byte === OPENING_BRACE) depth++;
      else if (byte === CLOSING_BRACE && --depth === 0) {
        this.#at = at + 1;
        return true;
      }
    }
    return false;
  }

  #readNumber(): number {
    const bytes = this.#bytes;
    let value = 0;
    for (;;) {
      const digit = bytes[this.#at]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) return value;
      value = value * 10 + digit;
      this.#at++;
    }
  }

  #textAt(from: number): string {
    let end = from + FINGERPRINT_LENGTH;
    if (this.#bytes[end] !== QUOTE) end = this.#bytes.indexOf(QUOTE, from);
    return this.#bytes.toString('latin1', from, end);
  }
}
