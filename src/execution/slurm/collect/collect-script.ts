import type { TaskEnd, TaskLive } from '../task/array-spec.js';

/**
 * A segment is sent in parts of this size, each with an end line, so that a truncated part is not taken for a whole
 * one.
 */
const PART_BYTES = 4 * 1024 ** 2;
const FILES_A_SIGN = 100;

/**
 * Sends, in one answer, what tasks have reported and all bytes of segments beyond those that are known. Arguments: the
 * spool's root and store id, the experiment's folder, the folder of segments in it, then for each array its folder and
 * the number of its `ended` files that are known. Input: `k SIZE NAME` lines, the segments that are known; first of all
 * `w PREFIX` lines: NFS reports a file's true size only once it is opened. Tasks' ends are read before the segments'
 * sizes: everything of a task that has ended is there. Empty lines are signs of life during the search: tens of
 * thousands of uncached files take minutes.
 */
export const COLLECT_SCRIPT = `grep -qsF "\\"$2\\"" "$1/store.json" || { echo "@away"; exit 0; }
cd "$3" 2>/dev/null || { [ ! -e "$3" ] && echo "@end"; exit 0; }
segments=$4
shift 4
known=$(cat)
exec 3>&1 2>/dev/null
pack() { if command -v gzip >/dev/null 2>&1; then gzip -1c; else cat; fi; }
told=$(
  while [ $# -gt 1 ]; do
    echo >&3
    if [ -d "$1/ended" ] && [ "$(ls "$1/ended" | grep -c 'json$')" != "$2" ]; then
      echo "@ended $1"
      find "$1/ended" -name '[0-9]*.json' -exec awk 1 {} +
    fi
    if [ -d "$1/live" ]; then
      echo "@live $1"
      find "$1/live" -name '[0-9]*.json' -exec awk 1 {} +
    fi
    shift 2
  done
)
printf '%s\\n' "$known" | while read -r kind prefix; do
  [ "$kind" = w ] || break
  for file in "$segments/$prefix"* "$segments"/*-"$prefix"*; do true <"$file"; done
  echo >&3
done
new=$(
  [ -d "$segments" ] && { printf '%s\\n' "$known"; find "$segments" -type f -name '*.ndjson' -printf 'f %s %P\\n'; } |
    awk '$1 == "k" { size[$3] = $2; next }
      $1 == "f" && ++seen % ${FILES_A_SIGN} == 0 { print "" > "/dev/stderr" }
      $1 == "f" && $2 > size[$3] + 0 { print size[$3] + 0, $2 - size[$3], $3 }' 2>&3
)
{
  printf '%s\\n' "$told"
  [ -z "$new" ] || printf '%s\\n' "$new" | while read -r from length name; do
    while [ "$length" -gt 0 ]; do
      part=$length
      [ "$part" -le ${PART_BYTES} ] || part=${PART_BYTES}
      echo "@bytes $from $part $name"
      if [ "$from" = 0 ]; then head -c "$part" "$segments/$name"; else tail -c +$((from + 1)) "$segments/$name" | head -c "$part"; fi
      printf '\\n@whole %s %s\\n' "$from" "$name"
      from=$((from + part)) length=$((length - part))
    done
  done
  echo "@end"
} | pack
`;

/** The contents of one answer, in order. */
export interface CollectListener {
  onEnded(array: string, end: TaskEnd): void;
  onLive(array: string, live: TaskLive): void;
  /** A whole part of a segment, and its offset. */
  onBytes(name: string, offset: number, part: Buffer): Promise<void>;
}

interface SegmentPart {
  readonly name: string;
  readonly offset: number;
  left: number;
  readonly pieces: Buffer[];
}

const NEWLINE = 10;

/** Parses the script's output as it arrives. */
export class CollectReader {
  readonly #listener: CollectListener;
  #rest: Buffer = Buffer.alloc(0);
  #part: { readonly kind: 'ended' | 'live'; readonly array: string } | undefined;
  #segment: SegmentPart | undefined;
  /** Whether the answer arrived completely. */
  ended = false;
  /** Whether the spool is missing, or is another one. */
  away = false;

  constructor(listener: CollectListener) {
    this.#listener = listener;
  }

  /** @throws Error if the output is not what the script writes */
  async add(bytes: Uint8Array): Promise<void> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length > 0) {
      if (this.#segment) {
        if (!(await this.#takeBytes(this.#segment))) return;
        continue;
      }
      const end = this.#rest.indexOf(NEWLINE);
      if (end === -1) return;
      const line = this.#rest.toString('utf8', 0, end);
      this.#rest = this.#rest.subarray(end + 1);
      this.#takeLine(line);
    }
  }

  /** @returns false if more has to arrive first */
  async #takeBytes(segment: SegmentPart): Promise<boolean> {
    const { name, offset, pieces } = segment;
    if (segment.left > 0) {
      const piece = this.#rest.subarray(0, segment.left);
      this.#rest = this.#rest.subarray(piece.length);
      segment.left -= piece.length;
      pieces.push(piece);
    }
    const end = Buffer.from(`\n@whole ${offset} ${name}\n`);
    if (segment.left > 0 || this.#rest.length < end.length) return false;
    // If a file could not be read completely, the following lines stand in the place of its bytes.
    if (!this.#rest.subarray(0, end.length).equals(end))
      throw new Error(`${name} could not be read completely from ${offset} on`);
    this.#rest = this.#rest.subarray(end.length);
    this.#segment = undefined;
    await this.#listener.onBytes(name, offset, Buffer.concat(pieces));
    return true;
  }

  #takeLine(line: string): void {
    const bytes = /^@bytes (\d+) (\d+) (.+)$/.exec(line);
    const part = /^@(ended|live) (.+)$/.exec(line);
    if (bytes)
      this.#segment = { name: bytes[3]!, offset: Number(bytes[1]), left: Number(bytes[2]), pieces: [] };
    else if (part) this.#part = { kind: part[1] as 'ended' | 'live', array: part[2]! };
    else if (line === '@end') this.ended = true;
    else if (line === '@away') this.away = true;
    else if (line !== '') this.#takeObject(line);
  }

  #takeObject(line: string): void {
    let object: unknown;
    try {
      object = JSON.parse(line);
    } catch {
      // A file that was replaced while it was read: the next round reads it.
      return;
    }
    if (this.#part?.kind === 'ended') this.#listener.onEnded(this.#part.array, object as TaskEnd);
    else if (this.#part) this.#listener.onLive(this.#part.array, object as TaskLive);
  }
}
