/** Prints who holds the submit lock: one particular attempt, not a later one. */
const WHOSE = `whose() { cat submit/by 2>/dev/null | grep . || echo "nobody $(stat -c %Y submit 2>/dev/null)"; }
`;

/** When the submit lock is taken: prints the job that came of it, or who holds the lock. */
const WHO_HAS_IT = `if [ -s submit/job ]; then echo "job $(cat submit/job)"; exit 0; fi
[ -d submit ] || exit 75
age=$(( $(date +%s) - $(stat -c %Y submit) ))
alive=no
if [ -s submit/by ]; then
  read -r host pid rest < submit/by
  if [ "$host" != "$(hostname)" ]; then alive=unknown; elif kill -0 "$pid" 2>/dev/null; then alive=yes; fi
else alive=unknown
fi
echo "taken $age $alive $(whose)"
exit 0
`;

/**
 * Runs `sbatch` once for an array, however often it is called: `mkdir submit` takes the lock. Arguments: the array's
 * folder, then sbatch's. It ignores the signals of a lost connection, so that it is not killed between sbatch and its
 * note of the job. Its output is one line: `job ID`, `taken AGE ALIVE WHOSE` (somebody else has held the lock for AGE
 * seconds, and whether they are known to be running), `refused`, or `unsure WHOSE`; the last two are followed by
 * sbatch's output. `refused` releases the lock; after `unsure` there may be a job.
 */
export const SUBMIT_SCRIPT = `${WHOSE}trap '' HUP PIPE
METALAB_LC_ALL=\${LC_ALL-}; LC_ALL=C; export LC_ALL METALAB_LC_ALL
cd "$1" || exit 74
shift
if [ -s submit/job ]; then echo "job $(cat submit/job)"; exit 0; fi
if ! mkdir submit 2>/dev/null; then
  ${WHO_HAS_IT}fi
if ! echo "$(hostname) $$ $(date +%s%N)" | cat > submit/by || [ ! -s submit/by ]; then
  rm -f submit/by; rmdir submit
  exit 74
fi
if job=$(sbatch --parsable "$@" 2> submit/stderr < /dev/null); then
  echo "\${job%%;*}" > submit/job.new && mv submit/job.new submit/job
  echo "job \${job%%;*}"
  exit 0
fi
if grep -qiE 'timed out|unable to contact|temporarily unable|communicat|zero bytes|connect|socket|protocol' submit/stderr || [ ! -s submit/stderr ]; then
  echo "unsure $(whose)"
  cat submit/stderr
else
  mv submit "refused-$$-$(date +%s)" && echo refused && cat "refused-$$-"*/stderr
fi
exit 0
`;

/**
 * Notes that an array is not wanted any more, and takes the submit lock if nobody holds it: then it is never submitted.
 * If a submit is still in progress, the tasks see the note before their first run. Argument: the folder. Prints
 * `withdrawn`, or the same as {@link SUBMIT_SCRIPT}.
 */
export const WITHDRAW_SCRIPT = `${WHOSE}cd "$1" || exit 74
: > cancel || exit 74
if mkdir submit 2>/dev/null; then echo "withdrawn $$" > submit/by; echo withdrawn; exit 0; fi
if [ "$(cut -d ' ' -f 1 submit/by 2>/dev/null)" = withdrawn ]; then echo withdrawn; exit 0; fi
${WHO_HAS_IT}`;

/** Notes the job of an array that was found by its name, unless one is noted. Arguments: the folder, the job. */
export const ADOPT_SCRIPT = `cd "$1" || exit 74
mkdir submit 2>/dev/null
[ -s submit/job ] || { echo "$2" > submit/job.adopted.$$ && mv submit/job.adopted.$$ submit/job; }
cat submit/job
`;

/**
 * Releases the submit lock of an attempt that did not submit. Arguments: the folder, and who held the lock when that
 * was checked: if two processes check, the later one must not take the lock from the earlier one. Prints `job ID` if a
 * task of the array has been seen running, `begun` if a task has begun but has not reported its job yet: in both cases
 * there is a job after all.
 */
export const TAKE_BACK_SCRIPT = `${WHOSE}cd "$1" || exit 74
job=$(find live ended -name '[0-9]*.json' -exec cat {} + 2>/dev/null | sed -n 's/.*"job":"\\([0-9]*\\)".*/\\1/p' | head -n 1)
if [ -n "$job" ]; then echo "job $job"; exit 0; fi
if [ -d free ]; then echo begun; exit 0; fi
if [ -s submit/job ]; then echo there; exit 0; fi
lost="lost-$(echo "$2" | cksum | tr ' ' -)"
# If the process that made this folder left within a minute, it has not moved anything.
mkdir "$lost" 2>/dev/null || [ "$(( $(date +%s) - $(stat -c %Y "$lost") ))" -gt 60 ] || { echo busy; exit 0; }
if [ "$(whose)" = "$2" ]; then mv submit "$lost/" 2>/dev/null; fi
echo taken
`;

export type SubmitAnswer =
  | { readonly kind: 'job'; readonly job: string }
  | {
      readonly kind: 'taken';
      readonly ageMs: number;
      readonly alive: 'yes' | 'no' | 'unknown';
      readonly whose: string;
    }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'unsure'; readonly message: string; readonly whose: string }
  | { readonly kind: 'refused'; readonly message: string };

/** @returns undefined if the output is not one of the script's */
export function parseSubmitAnswer(output: string): SubmitAnswer | undefined {
  const [first = '', ...rest] = output.split('\n');
  const job = /^job (\d+)$/.exec(first)?.[1];
  if (job !== undefined) return { kind: 'job', job };
  const taken = /^taken (-?\d+) (yes|no|unknown) (.+)$/.exec(first);
  if (taken)
    return {
      kind: 'taken',
      ageMs: Math.max(0, Number(taken[1])) * 1000,
      alive: taken[2] as 'yes' | 'no' | 'unknown',
      whose: taken[3]!,
    };
  if (first === 'withdrawn') return { kind: 'withdrawn' };
  const message = rest.join('\n').trim();
  const unsure = /^unsure (.+)$/.exec(first)?.[1];
  if (unsure !== undefined) return { kind: 'unsure', message, whose: unsure };
  if (first === 'refused') return { kind: first, message };
  return undefined;
}

/** Limits on the number of submitted jobs, by the names that Slurm prints before its last line. */
const SUBMIT_LIMIT =
  /Assoc\w*Submit\w*Job|QOS\w*Submit\w*|Max\w*Submit\w*Limit|job\/step limit|MaxJobCount|resource temporarily/i;
/** Other limits of an association or a QOS: on what a job may request, which no waiting changes. */
const OTHER_LIMIT = /\b(?:QOS|Assoc)\w+|\w+(?:PerAccount|PerUser|PerJob)\b/i;
/** The last line of all these refusals: it names all limits, whichever it was. */
const ANY_LIMIT = /job violates accounting\/QOS policy.*$/gim;

/** Whether a refusal resolves by itself, once jobs have ended. */
export function isOverLimit(message: string): boolean {
  const named = message.replace(ANY_LIMIT, '');
  return SUBMIT_LIMIT.test(named) || (named !== message && !OTHER_LIMIT.test(named));
}
