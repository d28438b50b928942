/** Something that nothing needs any more. */
export interface Garbage {
  readonly path: string;
  readonly why: string;
  readonly bytes: number;
  remove(): Promise<void>;
}
