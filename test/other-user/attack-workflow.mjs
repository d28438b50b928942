// What the other user's own worker runs: a workflow that calls any activity on any task queue.
import { proxyActivities } from '@temporalio/workflow';

export async function callActivity(taskQueue, name, input) {
  const options = { taskQueue, startToCloseTimeout: '1 minute', retry: { maximumAttempts: 1 } };
  return proxyActivities(options)[name](input);
}
