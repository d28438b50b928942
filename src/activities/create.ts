import type { Activities } from '../contract/activities.js';
import type { ActivityDependencies } from './dependencies.js';
import { reportEarlier } from './execute/earlier-attempts.js';
import { createExecute } from './execute/execute.js';
import { createExecuteBatch, retryStoreFaults } from './execute/execute-batch.js';
import { createPlan } from './plan.js';
import { createProbe } from './probe.js';
import { createSettle } from './settle/settle.js';
import { createVerify, signed } from './submission/signed.js';
import { underLease } from './submission/under-lease.js';

/**
 * A worker's activities, on top of the ports that it provides. `executeBatch` is `execute` on the batches' task queue.
 */
export function createActivities(
  dependencies: ActivityDependencies,
): Activities & { readonly executeBatch: Activities['execute'] } {
  const settle = createSettle(dependencies);
  const settleUnderLease = underLease(dependencies, settle);
  // Giving up a submission writes only its own outcome: whoever cancelled it should not have to wait for another
  // engine.
  const { signatures } = dependencies;
  const executeBatch = retryStoreFaults(
    dependencies,
    underLease(dependencies, createExecuteBatch(dependencies)),
  );
  return {
    plan: signed(signatures, underLease(dependencies, createPlan(dependencies))),
    execute: signed(
      signatures,
      reportEarlier(dependencies, underLease(dependencies, createExecute(dependencies))),
    ),
    executeBatch: signed(signatures, executeBatch),
    settle: signed(signatures, (input) => (input.abandon ? settle(input) : settleUnderLease(input))),
    probe: signed(signatures, createProbe(dependencies)),
    verify: createVerify(signatures),
  };
}
