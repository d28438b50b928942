import type { WorkflowHandle } from '@temporalio/client';
import { UNSIGNED_QUEUE } from '../../contract/workflow.js';
import { MetalabError } from '../../definition/errors.js';

/**
 * Checks that an experiment's workflow is on this key's task queue. Clients with another key, and older versions, use
 * other queues, and a workflow on one of those would never answer.
 *
 * @throws MetalabError METALAB_OTHER_KEY
 */
export async function checkTaskQueue(handle: WorkflowHandle, taskQueue: string): Promise<void> {
  // If the server does not answer, the next request reports it.
  const description = await handle.describe().catch(() => undefined);
  if (description?.status.name !== 'RUNNING' || description.taskQueue === taskQueue) return;
  const by =
    description.taskQueue === UNSIGNED_QUEUE
      ? 'an older version of metalab, which did not sign requests'
      : 'somebody with another key';
  throw new MetalabError({
    code: 'METALAB_OTHER_KEY',
    where: handle.workflowId,
    what: `the experiment's workflow was started by ${by}: its task queue is ${description.taskQueue}, not ${taskQueue}`,
    next: `submit with that key (METALAB_HOME, or METALAB_KEY_FILE for a Temporal server of yours); or terminate that workflow, in the Temporal UI or by \`temporal workflow terminate --workflow-id '${handle.workflowId}'\`, and submit again: what is recorded is reused`,
  });
}
