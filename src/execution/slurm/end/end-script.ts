import { isConclusive, meaningOf } from '../queue/states.js';

/**
 * Stops the arrays of a submission from starting anything more, and reports for each whether it was submitted.
 * Argument: the submission's folder in the spool. Input: the tokens of those that are known to be over. Its answer is a
 * line for each other array, `TOKEN job ID`, `TOKEN none` (never submitted, and now it can't be) or `TOKEN unsure
 * ALIVE` (somebody locked its submission and noted no job), then `@end`. Tasks that begin nevertheless find the file
 * `cancel`.
 */
export const CLOSE_SCRIPT = `over=$(cat)
cd "$1/arrays" 2>/dev/null || { echo "@end"; exit 0; }
for token in *; do
  [ -d "$token" ] || continue
  case "
$over
" in *"
$token
"*) continue ;; esac
  : > "$token/cancel" || exit 74
  if mkdir "$token/submit" 2>/dev/null; then echo closed > "$token/submit/by"; fi
  if [ -s "$token/submit/job" ]; then echo "$token job $(cat "$token/submit/job")"; continue; fi
  host= pid=
  read -r host pid < "$token/submit/by" 2>/dev/null
  alive=unknown
  if [ "$host" = "$(hostname)" ]; then if kill -0 "$pid" 2>/dev/null; then alive=yes; else alive=no; fi; fi
  if [ "$host" = closed ]; then echo "$token none"; else echo "$token unsure $alive"; fi
done
echo "@end"
`;

export interface FoundArray {
  readonly token: string;
  /** null: it has none, or nobody noted it. */
  readonly job: string | null;
  /** Whether there may be a job that nobody noted; `alive`: it may be about to be submitted. */
  readonly unsure: 'no' | 'gone' | 'alive';
}

/** @returns undefined if the output is incomplete */
export function parseFoundArrays(output: string): FoundArray[] | undefined {
  const lines = output.trim().split('\n');
  if (lines.pop() !== '@end') return undefined;
  const found: FoundArray[] = [];
  for (const line of lines) {
    const [, token, what, more = ''] =
      /^([0-9a-f]{16}(?:-\d+)?) (job|none|unsure)(?: (\w+))?$/.exec(line) ?? [];
    if (token === undefined) continue;
    const unsure = what !== 'unsure' ? 'no' : more === 'yes' ? 'alive' : 'gone';
    found.push({ token, job: what === 'job' ? more : null, unsure });
  }
  return found;
}

/**
 * Ends jobs, and asks the controller for them. Argument: `waiting`, to end only their pending tasks, or `all`. Input:
 * `JOB` lines. The controller's next answer shows whether scancel worked.
 */
export const END_SCRIPT = `LC_ALL=C; SLURM_BITSTR_LEN=0; export LC_ALL SLURM_BITSTR_LEN
while read -r job; do
  case $1 in waiting) scancel --state=PENDING "$job" ;; all) scancel "$job" ;; esac > /dev/null 2>&1 < /dev/null
  echo "@job $job"
  scontrol --oneliner show job "$job" 2>&1 < /dev/null
done
echo "@end"
`;

export interface EndedJob {
  readonly job: string;
  /** The array's token. */
  readonly token: string;
}

/** Jobs with tasks that are still pending or running. @returns undefined if the controller did not answer for all */
export function parseLiveJobs(output: string, jobs: readonly EndedJob[]): EndedJob[] | undefined {
  if (!output.endsWith('@end\n')) return undefined;
  const words = new Map<string, string>();
  for (const part of output.split(/^@job /m).slice(1))
    words.set(/^\d+/.exec(part)?.[0] ?? '', part.slice(part.indexOf('\n') + 1));
  const live: EndedJob[] = [];
  for (const each of jobs) {
    const told = words.get(each.job) ?? '';
    const states = [...told.matchAll(/ JobState=(\S+)/g)].map(([, state]) => meaningOf(state!));
    if (states.length === 0 && !/invalid job id/i.test(told)) return undefined;
    // Job ids are reused: another job with the same id is not ended.
    const isIt = told.includes(` JobName=metalab-${each.token} `);
    if (isIt && states.some((meaning) => !isConclusive(meaning))) live.push(each);
  }
  return live;
}
