import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactContent } from '../../../definition/record.js';
import { sha256 } from '../../../identity/fingerprint.js';
import { packName, packsFolder } from '../layout.js';
import { AppendOnlyFile } from './append-only-file.js';
import { PACK_BYTES, type PackPlace, packHeader, packUri } from './pack.js';
import { FLUSH_BYTES } from './segment-writer.js';

/** Contents that a writer remembers, in order to store them once: 200 bytes each. */
const MAX_REMEMBERED = 50_000;
const NEWLINE = Buffer.from('\n');

/** Appends small artifacts to packs of its own. A failed write is the writer's end, as of a segment. */
export class PackWriter {
  readonly #folder: string;
  readonly #submission: string;
  readonly #writer: string;
  readonly #packBytes: number;
  /** The packs with bytes that are not synced; the last is the one that is written. */
  #files: AppendOnlyFile[] = [];
  #number = -1;
  #buffer: Buffer | undefined;
  #pending = 0;
  readonly #remembered = new Map<string, PackPlace>();

  constructor(folder: string, submission: string, writer: string, packBytes = PACK_BYTES) {
    this.#folder = folder;
    this.#submission = submission;
    this.#writer = writer;
    this.#packBytes = packBytes;
  }

  /**
   * The bytes wait for the next flush, unless there are many.
   *
   * @throws the system's error if the store can't be written
   */
  store(bytes: Uint8Array): ArtifactContent {
    const content_hash = sha256(bytes);
    const place = this.#find(content_hash) ?? this.#append(content_hash, bytes);
    this.#remembered.set(content_hash, place);
    if (this.#remembered.size > MAX_REMEMBERED)
      this.#remembered.delete(this.#remembered.keys().next().value!);
    return { uri: packUri(place), content_hash, size_bytes: bytes.length };
  }

  /** @throws the system's error */
  flush(): void {
    if (this.#pending === 0) return;
    const bytes = this.#buffer!.subarray(0, this.#pending);
    this.#pending = 0;
    this.#files.at(-1)!.append(bytes);
  }

  /** What was flushed survives a power failure once this returns. See `AppendOnlyFile.sync`. */
  sync(): void {
    for (const file of this.#files) file.sync();
    for (const file of this.#files.splice(0, this.#files.length - 1)) file.close();
  }

  /** Removed from what is remembered: it becomes the one that was used last. */
  #find(contentHash: string): PackPlace | undefined {
    const place = this.#remembered.get(contentHash);
    if (!place) return undefined;
    this.#remembered.delete(contentHash);
    const file = this.#files.at(-1);
    const path = join(this.#folder, place.pack);
    if (file?.path === path && place.offset > file.bytes) return place;
    // A pack that was deleted meanwhile does not have it any more.
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return size >= place.offset + place.size ? place : undefined;
  }

  #append(contentHash: string, bytes: Uint8Array): PackPlace {
    const header = packHeader(contentHash, bytes.length);
    const length = header.length + bytes.length + 1;
    const file = this.#fileFor(length);
    this.#buffer ??= Buffer.allocUnsafe(2 * FLUSH_BYTES);
    const buffer = this.#buffer;
    if (this.#pending + length > buffer.length) this.flush();
    const from = file.bytes + this.#pending;
    if (length > buffer.length) file.append(Buffer.concat([header, bytes, NEWLINE]));
    else {
      // Copied: the operation may change its bytes before they are flushed.
      buffer.set(header, this.#pending);
      buffer.set(bytes, this.#pending + header.length);
      buffer.set(NEWLINE, this.#pending + length - 1);
      this.#pending += length;
      if (this.#pending >= FLUSH_BYTES) this.flush();
    }
    return { pack: this.#pack, offset: from + header.length, size: bytes.length };
  }

  /** The pack that is written, or the next if it is full. */
  #fileFor(length: number): AppendOnlyFile {
    const current = this.#files.at(-1);
    if (current && current.bytes + this.#pending + length <= this.#packBytes) return current;
    this.flush();
    this.#number++;
    const folder = packsFolder(this.#folder, this.#submission);
    const next = new AppendOnlyFile(folder, packName(this.#writer, this.#number));
    this.#files.push(next);
    return next;
  }

  get #pack(): string {
    return `packs/${this.#submission}/${packName(this.#writer, this.#number)}`;
  }
}
