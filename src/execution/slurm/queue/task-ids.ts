/** Some tasks of an array, as one `squeue` line names them. */
export interface TaskIds {
  /** Ranges, both ends included. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/**
 * Parses an array's index as Slurm prints it: `7`, `[0-5,9,12-20:2%4]`. Returns undefined for a list that Slurm has
 * truncated (`…`, `...`) and for a job that is no array.
 */
export function parseTaskIds(text: string): TaskIds | undefined {
  const list = /^\[?([\d,:-]+)(?:%\d+)?\]?$/.exec(text)?.[1];
  if (list === undefined) return undefined;
  const ranges: [number, number][] = [];
  for (const part of list.split(',')) {
    const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part);
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    const step = Number(match[3] ?? 1);
    if (step === 1) ranges.push([first, last]);
    else for (let id = first; id <= last; id += step) ranges.push([id, id]);
  }
  return { ranges };
}

export const countTaskIds = ({ ranges }: TaskIds): number =>
  ranges.reduce((count, [first, last]) => count + last - first + 1, 0);

export function* eachTaskId({ ranges }: TaskIds): Generator<number> {
  for (const [first, last] of ranges) for (let id = first; id <= last; id++) yield id;
}

/** The tasks that `scontrol --oneliner show job` lists. @returns undefined if it does not list this array */
export function parseJobTasks(output: string, job: string): TaskIds[] | undefined {
  const parts = output
    .split('\n')
    .filter((line) => line.includes(` ArrayJobId=${job} `))
    .map((line) => parseTaskIds(/ ArrayTaskId=(\S+)/.exec(line)?.[1] ?? ''));
  const known = parts.filter((ids) => ids !== undefined);
  return parts.length > 0 && known.length === parts.length ? known : undefined;
}
