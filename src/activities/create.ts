import type { Activities } from '../contract/activities.js';
import type { ServicesActivities } from '../contract/services.js';
import type { ActivityDependencies } from './dependencies.js';
import { reportEarlier } from './execute/earlier-attempts.js';
import { createExecute } from './execute/execute.js';
import { createExecuteBatch, retryStoreFaults } from './execute/execute-batch.js';
import { createPlan } from './plan.js';
import { createProbe } from './probe.js';
import { createServicesActivities } from './services/create.js';
import { createSettle } from './settle/settle.js';
import { createVerify, signed } from './submission/signed.js';
import { underLease } from './submission/under-lease.js';

interface AllActivities extends Activities {
  /** `execute` on the batches' task queue. */
  readonly executeBatch: Activities['execute'];
  readonly services: ServicesActivities;
}

/** A worker's activities, on top of the ports that it provides. */
export function createActivities(dependencies: ActivityDependencies): AllActivities {
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
    services: createServicesActivities(dependencies),
  };
}
