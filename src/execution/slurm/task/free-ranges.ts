import { mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countPositions, type PositionRange } from '../../../definition/position-range.js';
import { faultCode, storeFault } from '../../../storage/file/faults.js';
import { temporaryBeside } from '../../../storage/file/owner.js';
import { freeFolder } from './array-files.js';

/** Tasks begin at different places, so that a thousand of them do not all rename the same file. */
const MAX_FIRST_RANGES = 32;
/** A file that nobody takes, so that the folder is never empty: an empty folder could be replaced by a second one. */
const KEPT = 'keep';
const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 1_000;

/**
 * The positions of an array that no task has taken, counted from 0. Each free range is an empty file whose name is the
 * range. A task takes the first part of one by renaming the file to what is left of it, and all of it by removing the
 * file. Both are atomic: of several tasks that try, one succeeds and the others look again. If the answer is lost,
 * nobody has the range, and another array does it.
 */
export class FreeRanges {
  readonly #folder: string;
  readonly #positions: number;
  readonly #tasks: number;
  /** It prefers ranges from here on. */
  readonly #start: number;

  constructor(array: string, task: number, spec: { readonly positions: number; readonly tasks: number }) {
    this.#folder = freeFolder(array);
    this.#positions = spec.positions;
    this.#tasks = spec.tasks;
    this.#start = Math.floor((task * spec.positions) / spec.tasks);
  }

  /** All that is free, ascending. The first to ask makes the folder. */
  async list(): Promise<PositionRange[]> {
    try {
      const names = (await this.#names()) ?? (await this.#make());
      const ranges = names.map(parseRange).filter(({ from, to }) => from < to);
      return ranges.sort((a, b) => a.from - b.from);
    } catch (error) {
      throw storeFault(error, this.#folder);
    }
  }

  /**
   * @param wanted how many positions to take at most, given how many are free
   * @returns undefined if nothing is free
   */
  async take(wanted: (free: number) => number): Promise<PositionRange | undefined> {
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(MAX_RETRY_MS, 2 * pause)) {
      const free = await this.list();
      const range = free.find(({ to }) => to > this.#start) ?? free[0];
      if (!range) return undefined;
      const { from, to } = range;
      const end = Math.min(to, from + wanted(countPositions(free)));
      if (await this.#isTaken(range, { from: end, to })) return { from, to: end };
      await sleep(Math.random() * pause);
    }
  }

  async giveBack(range: PositionRange): Promise<void> {
    await writeFile(this.#path(range), '');
  }

  async #isTaken(range: PositionRange, rest: PositionRange): Promise<boolean> {
    try {
      if (rest.from < rest.to) await rename(this.#path(range), this.#path(rest));
      else await unlink(this.#path(range));
      return true;
    } catch (error) {
      if (faultCode(error) === 'ENOENT') return false;
      throw storeFault(error, this.#folder);
    }
  }

  async #names(): Promise<string[] | undefined> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (faultCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Of several tasks that make it, one succeeds: a folder with files in it is not replaced. */
  async #make(): Promise<string[]> {
    const made = temporaryBeside(this.#folder);
    await mkdir(made);
    await writeFile(join(made, KEPT), '');
    const parts = Math.max(1, Math.min(this.#tasks, this.#positions, MAX_FIRST_RANGES));
    const at = (part: number) => Math.floor((part * this.#positions) / parts);
    for (let part = 0; part < parts; part++)
      await writeFile(join(made, formatRange({ from: at(part), to: at(part + 1) })), '');
    try {
      await rename(made, this.#folder);
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      if (!['ENOTEMPTY', 'EEXIST'].includes(faultCode(error) ?? '')) throw error;
    }
    return readdir(this.#folder);
  }

  #path(range: PositionRange): string {
    return join(this.#folder, formatRange(range));
  }
}

const formatRange = ({ from, to }: PositionRange) => `${from}-${to}`;

function parseRange(name: string): PositionRange {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(name) ?? [];
  return { from: Number(from), to: Number(to) };
}
