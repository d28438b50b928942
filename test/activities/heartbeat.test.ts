import { defaultPayloadConverter } from '@temporalio/client';
import { expect, test, vi } from 'vitest';
import { workflowOf } from '../support/engine-status.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const LONG = `
import { experiment, grid, operation, seeds } from 'metalab';
export const train = operation(async ({ params, capture, runtime }) => {
  for (let epoch = 1; epoch <= 200 && !runtime.signal.aborted; epoch++) {
    runtime.progress(epoch / 200);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  capture.metric('x', params.x);
});
export default experiment({ name: 'long', version: '1', operation: train, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });`;

test('the heartbeat of a long run says which it is, since when, and how far: the Temporal UI shows it', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith({ 'long.ts': LONG });
  await metalab(['submit', project.path('long.ts'), '--store', project.store, '--detach']);
  const workflow = await workflowOf(project.store, 'long:1');

  const progressSeen = new Set<number>();
  await vi.waitFor(
    async () => {
      const { raw } = await workflow.describe();
      const [activity] = raw.pendingActivities ?? [];
      const [payload] = activity?.heartbeatDetails?.payloads ?? [];
      const details = payload && defaultPayloadConverter.fromPayload<Details>(payload);
      expect(details).toMatchObject({ success: 0, failed: 0, running: { position: 0 } });
      expect(Date.now() - Date.parse(details!.running.started_at)).toBeLessThan(100_000);
      progressSeen.add(details!.running.progress);
      expect(progressSeen.size).toBeGreaterThanOrEqual(3);
    },
    { timeout: 180_000, interval: 300 },
  );
  for (const progress of progressSeen) expect(progress).toBeGreaterThan(0);
  const cancelled = await metalab(['cancel', 'long', '--store', project.store]);
  expect(cancelled.stdout).toContain('1 cancelled');
});

interface Details {
  readonly running: { readonly position: number; readonly started_at: string; readonly progress: number };
}
