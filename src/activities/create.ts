import type { Activities } from './contract.js';
import type { ActivityDependencies } from './dependencies.js';
import { createExecute } from './execute.js';
import { createPlan } from './plan.js';
import { createProbe } from './probe.js';
import { createSettle } from './settle.js';

/** The activities of a worker, over the ports that it gives. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  return {
    plan: createPlan(dependencies),
    execute: createExecute(dependencies),
    settle: createSettle(dependencies),
    probe: createProbe(dependencies),
  };
}
