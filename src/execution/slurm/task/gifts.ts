import type { PositionRange } from '../../../definition/position-range.js';
import { listNames } from '../../../storage/file/list-names.js';
import { givenFolder } from './array-files.js';

/**
 * Positions that a task gave to another one of its array. The file's name contains all of it, so a list of names is
 * enough.
 */
export interface Gift {
  readonly giver: number;
  readonly receiver: number;
  readonly range: PositionRange;
}

/** @param ask the receiver's ask: its task, its restart, and a number */
export const giftName = (ask: string, giver: number, { from, to }: PositionRange): string =>
  `${ask}-${giver}-${from}-${to}`;

export function parseGift(name: string): Gift | undefined {
  const match = /^(\d+)\.\d+\.\d+-(\d+)-(\d+)-(\d+)$/.exec(name);
  if (!match) return undefined;
  const [receiver, giver, from, to] = match.slice(1).map(Number);
  return { giver: giver!, receiver: receiver!, range: { from: from!, to: to! } };
}

/** All gifts between tasks of an array. */
export async function readGifts(array: string): Promise<Gift[]> {
  return (await listNames(givenFolder(array))).flatMap((name) => parseGift(name) ?? []);
}
