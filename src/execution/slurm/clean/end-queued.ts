import type { Transport } from '../../../transport/transport.js';
import { withinMinutes } from '../ask-once.js';
import { endJobs } from '../end/end-arrays.js';
import { StateFile } from '../spool/state-file.js';
import type { QueuedArray } from './queued-arrays.js';

/**
 * Makes tasks abort their runs in progress and record that. Argument: the experiment's folder. Input:
 * `SUBMISSION/arrays/TOKEN`.
 */
const CANCEL = `cd "$1/submissions" || exit 74
while read -r array; do [ ! -d "$array" ] || : > "$array/cancel" || exit 74; done`;

/**
 * Ends arrays that no workflow follows any more, and waits until Slurm no longer has them.
 *
 * @param places the experiment's folder in the store, and in the spool
 */
export async function endQueued(
  transport: Transport,
  places: { readonly folder: string; readonly there: string },
  queued: readonly QueuedArray[],
): Promise<void> {
  const jobs = queued.flatMap(({ job, token }) => (job === null ? [] : [{ job, token }]));
  const arrays = queued.map(({ submission, token }) => `${submission}/arrays/${token}\n`).join('');
  await withinMinutes(transport, async (retry) => {
    await retry.ask(['sh', '-c', CANCEL, 'metalab', places.there], { stdin: arrays });
    await endJobs(jobs, retry);
  });
  for (const submission of new Set(queued.map((each) => each.submission))) {
    const tokens = queued.filter((each) => each.submission === submission).map(({ token }) => token);
    const state = new StateFile(places.folder, submission);
    if ((await state.read()).open)
      await state.change(({ over }) => ({ over: [...new Set([...over, ...tokens])] }));
  }
}
