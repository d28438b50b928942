/** How a kind of value becomes an artifact's bytes. */
export interface Serializer {
  /** What `capture.artifact(…, { format })` and the artifact's descriptor call it. */
  readonly name: string;
  /** Whether it accepts this value. If no format is named, the first serializer that accepts the value is used. */
  accepts(value: unknown): boolean;
  serialize(value: unknown): Uint8Array;
  /** The value of an artifact's bytes, for whoever reads the run later. Without it, they get the bytes. */
  deserialize?(bytes: Uint8Array): unknown;
}

export const fromUtf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
