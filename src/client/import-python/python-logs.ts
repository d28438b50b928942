import { closeSync, openSync, readSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { LogLevel } from '../../definition/record.js';
import type { BrokenFiles } from './broken-files.js';
import { entriesIn, type PythonStore } from './find-python-stores.js';
import { parsePythonTime } from './python-time.js';

/** `run`, `logging`, `stdout` and so on, and where it is. */
interface LogFile {
  readonly name: string;
  readonly path: string;
}

export interface PythonLogLine {
  /** Wall-clock milliseconds. */
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
}

/**
 * The log files of a store: `{run_id}_{name}.log`, in layout 2 within folders of two characters; before that
 * `{label}_{first 8 of the run_id}_{name}.log` and `{run_id}/{name}.txt`.
 */
export class PythonLogs {
  readonly #runIds: ReadonlySet<string>;
  readonly #shortIds: ReadonlySet<string>;
  readonly #broken: BrokenFiles;
  /** By run_id, or by its beginning. */
  readonly #files = new Map<string, LogFile[]>();

  /** @param runIds of all records */
  constructor({ root }: PythonStore, runIds: ReadonlySet<string>, broken: BrokenFiles) {
    this.#runIds = runIds;
    this.#shortIds = new Set([...runIds].map(shortId));
    this.#broken = broken;
    const folder = join(root, 'logs');
    for (const entry of entriesIn(folder, broken)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#addFolder(path, entry.name);
      else this.#add(path);
    }
  }

  of(runId: string): readonly LogFile[] {
    return [...(this.#files.get(runId) ?? []), ...(this.#files.get(shortId(runId)) ?? [])];
  }

  #addFolder(folder: string, name: string): void {
    for (const { name: file } of entriesIn(folder, this.#broken)) {
      const path = join(folder, file);
      if (!this.#runIds.has(name)) this.#add(path);
      else if (/\.(txt|log)$/.test(file)) this.#keep(name, basename(file, extname(file)), path);
    }
  }

  #add(path: string): void {
    const file = basename(path);
    if (file.startsWith('.') || !/\.(txt|log)$/.test(file)) return;
    const stem = basename(file, extname(file));
    const [runId, name] = this.#splitStem(stem) ?? [];
    if (runId === undefined) this.#broken.add(path, 'is the log of no run that has a record');
    else this.#keep(runId, name!, path);
  }

  /** @returns the run_id, or its beginning, and the log's name */
  #splitStem(stem: string): [string, string] | undefined {
    for (let at = stem.indexOf('_'); at !== -1; at = stem.indexOf('_', at + 1))
      if (this.#runIds.has(stem.slice(0, at))) return [stem.slice(0, at), stem.slice(at + 1)];
    const [, short, name] = /^.*_([0-9a-f]{8})_(.+)$/.exec(stem) ?? [];
    return short !== undefined && this.#shortIds.has(short) ? [short, name!] : undefined;
  }

  #keep(key: string, name: string, path: string): void {
    const files = this.#files.get(key);
    if (files) files.push({ name, path });
    else this.#files.set(key, [{ name, path }]);
  }
}

const shortId = (runId: string) => runId.slice(0, 8);

/** What `capture.log` writes, and what the root logger does: the time, and either level and logger or the opposite. */
const LINES = [
  /^(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d+)?) \[(?<level>[A-Z]+) *\] \[(?<logger>[^\]]*)\] (?<message>.*)$/,
  /^(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d+)?) - (?<logger>.+?) - (?<level>[A-Z]+) - (?<message>.*)$/,
];

const LEVELS: { readonly [level: string]: LogLevel } = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  CRITICAL: 'error',
  FATAL: 'error',
};

/**
 * A log file's lines. Those without a time, such as a traceback's, have that of the line before.
 *
 * @param startedAt the time of the first lines where they have none
 */
export function* readLogFile({ name, path }: LogFile, startedAt: number): Generator<PythonLogLine, void> {
  const plain: LogLevel = name === 'stdout' || name === 'stderr' ? name : 'info';
  let last: Pick<PythonLogLine, 'at' | 'level'> = { at: startedAt, level: plain };
  for (const line of linesOf(path)) {
    const groups = LINES.map((pattern) => pattern.exec(line)?.groups).find((found) => found !== undefined);
    const at = parsePythonTime(groups?.time);
    if (groups && at !== undefined) {
      const { level = '', logger = '', message = '' } = groups;
      last = { at, level: LEVELS[level] ?? plain };
      yield { ...last, message: /^metalab\.run\b/.test(logger) ? message : `[${logger}] ${message}` };
    } else yield { ...last, message: line };
  }
}

const BLOCK_BYTES = 64 * 1024;

/** A text file's lines, a block at a time: logs can be large. What is no UTF-8 becomes U+FFFD. */
function* linesOf(path: string): Generator<string, void> {
  const decoder = new StringDecoder('utf8');
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  const fd = openSync(path, 'r');
  try {
    let rest = '';
    for (;;) {
      const read = readSync(fd, block, 0, BLOCK_BYTES, null);
      const lines = (rest + (read === 0 ? decoder.end() : decoder.write(block.subarray(0, read)))).split(
        '\n',
      );
      rest = lines.pop()!;
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
      if (read === 0) break;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(fd);
  }
}
