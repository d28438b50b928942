import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ServicesActivities } from '../../contract/services.js';

const SHARED = {
  heartbeatTimeout: '20s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
} as const;

/** @param taskQueue of workers on the machine that the services were asked for on */
export function servicesOn(taskQueue: string): Omit<ServicesActivities, 'verifyServices'> {
  const working = {
    ...SHARED,
    taskQueue,
    // A cluster's queue may be long.
    startToCloseTimeout: '30 days',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  } as const;
  const { startServices } = proxyActivities<Pick<ServicesActivities, 'startServices'>>({
    ...working,
    summary: 'start services',
  });
  const { stopServices } = proxyActivities<Pick<ServicesActivities, 'stopServices'>>({
    ...working,
    summary: 'stop services',
  });
  const { watchServices } = proxyActivities<Pick<ServicesActivities, 'watchServices'>>({
    ...SHARED,
    taskQueue,
    summary: 'watch services',
    startToCloseTimeout: '365 days',
    // It only looks: nobody has to wait for its end.
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
  return { startServices, stopServices, watchServices };
}

export const { verifyServices } = proxyLocalActivities<Pick<ServicesActivities, 'verifyServices'>>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 3 },
});
