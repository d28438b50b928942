import { posix } from 'node:path';

const { join } = posix;

/** Paths of an array's files, relative to its experiment's folder in the spool. Paths on the cluster. */
export const arraysFolder = (experiment: string, submission: string) =>
  join(experiment, 'submissions', submission, 'arrays');
export const arrayFolder = (experiment: string, submission: string, token: string) =>
  join(arraysFolder(experiment, submission), token);

export const arraySpecFile = (array: string) => join(array, 'array.json');
export const taskLiveFile = (array: string, task: number) => join(array, 'live', `${task}.json`);
export const taskEndFile = (array: string, task: number, restart: number) =>
  join(array, 'ended', `${task}.${restart}.json`);
/** Contains an empty file for each range of positions that no task has taken: see `free-ranges.ts`. */
export const freeFolder = (array: string) => join(array, 'free');
/**
 * Files that tasks look for every second. `yield`: start no further run; `cancel`: also end those in progress as
 * cancelled.
 */
export const yieldFile = (array: string) => join(array, 'yield');
export const cancelFile = (array: string) => join(array, 'cancel');

/** Prefix of the names of a task's segments, in all its restarts: others look nowhere else for what it did. */
export const segmentPrefix = (token: string, task: number) => `${token}.${task}.`;
