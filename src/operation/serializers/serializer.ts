/** How a kind of value becomes an artifact's bytes. */
export interface Serializer {
  /** What `capture.artifact(…, { format })` and the artifact's descriptor call it. */
  readonly name: string;
  /** Whether it takes this value. Asked in turn where no format is named. */
  accepts(value: unknown): boolean;
  serialize(value: unknown): Uint8Array;
}

export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
