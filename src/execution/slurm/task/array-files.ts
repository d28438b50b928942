import { posix } from 'node:path';

const { join } = posix;

/** Where everything of an array is, from its experiment's folder in the spool. Paths of the cluster's. */
export const arraysFolder = (experiment: string, submission: string) =>
  join(experiment, 'submissions', submission, 'arrays');
export const arrayFolder = (experiment: string, submission: string, token: string) =>
  join(arraysFolder(experiment, submission), token);

export const arraySpecFile = (array: string) => join(array, 'array.json');
export const claimFolder = (array: string, task: number, restart: number) =>
  join(array, 'claims', `${task}.${restart}`);
export const taskLiveFile = (array: string, task: number) => join(array, 'live', `${task}.json`);
export const taskEndFile = (array: string, task: number, restart: number) =>
  join(array, 'ended', `${task}.${restart}.json`);
/** Has an empty folder for each task that has nothing left to begin, and whose it is: see `hand-over.ts`. */
export const asksFolder = (array: string) => join(array, 'asks');
/** Has one for each answer, by whose name it is known who gave what to whom. */
export const givenFolder = (array: string) => join(array, 'given');
/** Files that tasks look for every second: no further run; and those in progress end as cancelled, too. */
export const yieldFile = (array: string) => join(array, 'yield');
export const cancelFile = (array: string) => join(array, 'cancel');
/** Slurm puts the task's number in the place of `%a`. */
export const taskOutputFile = (array: string, task: number | '%a') => join(array, `slurm-${task}.out`);

/** What the names of a task's segments begin with, in all its restarts: others look nowhere else for what it did. */
export const segmentPrefix = (token: string, task: number) => `${token}.${task}.`;
