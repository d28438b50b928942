import { proxyActivities } from '@temporalio/workflow';

const { runOne } = proxyActivities({ startToCloseTimeout: '1 minute' });

/** What a sweep costs where every run is an activity. */
export async function oneActivityPerRun(runs, window) {
  let next = 0;
  const slot = async () => {
    while (next < runs) await runOne(next++);
  };
  await Promise.all(Array.from({ length: window }, slot));
}
