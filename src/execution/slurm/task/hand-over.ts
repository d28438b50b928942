import { mkdir, rename, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PositionRange } from '../../../definition/position-range.js';
import { listNames } from '../../../storage/file/list-names.js';
import { makeFolder } from '../../../storage/file/make-folder.js';
import { asksFolder, claimFolder, givenFolder, taskEndFile } from './array-files.js';
import { giftName, parseGift } from './gifts.js';
import type { TaskBoard } from './task-board.js';
import type { TaskIdentity } from './task-identity.js';
import type { WorkQueue } from './work-queue.js';

/** How often an asking task looks for an answer, and how often a task with positions to give looks for asks. */
const ASKER_LOOK_MS = 500;
const MAX_ASKER_LOOK_MS = 5_000;
const GROWTH = 1.2;
const GIVER_LOOK_MS = 1_000;
/** What waits behind a long run can be given about 4 s after that run began: an idle task waits longer than that. */
const WAIT_MS = 8_000;
/** An ask that can't be taken back has been answered: how often the task looks for that answer. */
const LATE_LOOKS = 10;

/**
 * Balances the tasks of an array among themselves: a task that has nothing left to begin asks for positions, and one
 * that has some gives half of them, from the end. An ask is a folder in `asks/`; the giver moves it to `given/`, under
 * a name that says what it gives. If several try, only one succeeds; a task that gives up removes its ask, which works
 * only while nobody has answered. So each position belongs to exactly one task. Positions given to a task that dies
 * have no record, and are done in another round.
 */
export class HandOver {
  readonly #array: string;
  readonly #identity: TaskIdentity;
  readonly #tasks: number;
  readonly #deadline: number;
  readonly #queue: WorkQueue;
  readonly #board: TaskBoard;
  /** Called before a received position is begun. */
  readonly #onReceived: () => Promise<void>;
  #asks = 0;
  #giving: Promise<void> | undefined;

  /** @param deadline after it the task begins no run, on this process's monotonic clock */
  constructor(
    place: {
      readonly array: string;
      readonly identity: TaskIdentity;
      readonly tasks: number;
      readonly deadline: number;
    },
    queue: WorkQueue,
    board: TaskBoard,
    onReceived: () => Promise<void>,
  ) {
    this.#array = place.array;
    this.#identity = place.identity;
    this.#tasks = place.tasks;
    this.#deadline = place.deadline;
    this.#queue = queue;
    this.#board = board;
    this.#onReceived = onReceived;
  }

  /**
   * Runs until the task has nothing to do and receives nothing. A failing filesystem ends the exchange, not the task.
   */
  async run(): Promise<void> {
    const timer = setInterval(() => this.#give(), GIVER_LOOK_MS);
    try {
      while (await this.#askWhenIdle());
    } catch {
      // The task can do its own positions without the others.
    } finally {
      clearInterval(timer);
      await this.#giving;
      this.#queue.expectNothing();
    }
  }

  /** @returns whether it received something */
  async #askWhenIdle(): Promise<boolean> {
    const queue = this.#queue;
    let ask: string | undefined;
    let look = ASKER_LOOK_MS;
    let idleSince: number | undefined;
    while (await queue.untilIdle()) {
      const gift = ask === undefined ? undefined : await this.#answerTo(ask);
      if (gift) return this.#receive(gift);
      idleSince = queue.isBusy ? undefined : (idleSince ?? performance.now());
      const waited = idleSince === undefined ? 0 : performance.now() - idleSince;
      const { atWork, waiting } = await this.#others();
      // If tasks are pending in Slurm's queue, they need this one's place.
      if (!queue.isBusy && (!atWork || waiting || waited > WAIT_MS)) break;
      if (performance.now() > this.#deadline) break;
      if (atWork) ask ??= await this.#ask();
      await sleep(look);
      look = Math.min(MAX_ASKER_LOOK_MS, look * GROWTH);
    }
    const late = ask === undefined ? undefined : await this.#withdraw(ask);
    return late ? this.#receive(late) : false;
  }

  async #receive(range: PositionRange): Promise<true> {
    this.#board.received(range);
    await this.#onReceived();
    this.#queue.add(range);
    return true;
  }

  /** Whether other running tasks may have something to give, and whether some tasks have not begun yet. */
  async #others(): Promise<{ readonly atWork: boolean; readonly waiting: boolean }> {
    const { task } = this.#identity;
    const [claims, ends, asks] = await Promise.all([
      listNames(dirname(claimFolder(this.#array, 0, 0))),
      listNames(dirname(taskEndFile(this.#array, 0, 0))),
      listNames(asksFolder(this.#array)),
    ]);
    const ended = new Set(ends.map((name) => basename(name, '.json')));
    const asking = new Set(asks.map(taskOf));
    // Of a requeued task, the last claim counts.
    const begun = new Map(claims.sort(byRestart).map((claim) => [taskOf(claim), claim]));
    const atWork = [...begun].some(
      ([other, claim]) => other !== task && !ended.has(claim) && !asking.has(other),
    );
    return { atWork, waiting: begun.size < this.#tasks };
  }

  async #ask(): Promise<string> {
    const { task, restart } = this.#identity;
    const ask = `${task}.${restart}.${this.#asks++}`;
    await makeFolder(givenFolder(this.#array));
    await makeFolder(asksFolder(this.#array));
    await mkdir(join(asksFolder(this.#array), ask));
    return ask;
  }

  async #answerTo(ask: string): Promise<PositionRange | undefined> {
    const name = (await listNames(givenFolder(this.#array))).find((each) => each.startsWith(`${ask}-`));
    return name === undefined ? undefined : parseGift(name)?.range;
  }

  async #withdraw(ask: string): Promise<PositionRange | undefined> {
    try {
      await rmdir(join(asksFolder(this.#array), ask));
      return undefined;
    } catch {
      for (let look = 0; look < LATE_LOOKS; look++) {
        const gift = await this.#answerTo(ask);
        if (gift) return gift;
        await sleep(ASKER_LOOK_MS);
      }
      return undefined;
    }
  }

  #give(): void {
    if (this.#giving || this.#queue.spare === 0) return;
    this.#giving = listNames(asksFolder(this.#array))
      .then((asks) => this.#giveToAll(asks))
      .catch(() => {})
      .finally(() => {
        this.#giving = undefined;
      });
  }

  async #giveToAll(asks: readonly string[]): Promise<void> {
    const { task } = this.#identity;
    const others = asks.filter((ask) => taskOf(ask) !== task);
    for (const [at, ask] of others.entries()) {
      const range = this.#queue.split(others.length - at + 1);
      if (!range) return;
      if (await this.#answer(ask, giftName(ask, task, range))) this.#board.gave(range);
      else this.#queue.add(range);
    }
  }

  /** @returns whether the positions are another task's now, or may be: then the next round decides who does them */
  async #answer(ask: string, gift: string): Promise<boolean> {
    const given = givenFolder(this.#array);
    try {
      await rename(join(asksFolder(this.#array), ask), join(given, gift));
      return true;
    } catch {
      return listNames(given).then(
        (names) => names.includes(gift),
        () => true,
      );
    }
  }
}

/** Names of claims and asks begin with the task and its restart. */
const taskOf = (name: string): number => Number.parseInt(name, 10);
const restartOf = (claim: string): number => Number(claim.split('.')[1]);
const byRestart = (one: string, other: string) => restartOf(one) - restartOf(other);
