import { describe, it } from 'vitest';
import type { ServiceJob } from '../../../src/services/service.js';
import { testServiceEnvironment } from '../../../src/testing/index.js';
import { useClusterServices } from './cluster-services.js';

const { rig, servicesOf } = await useClusterServices();

describe('services on a cluster', { timeout: 400_000 }, () => {
  testServiceEnvironment({
    test: it,
    placeOf: async () => {
      const project = servicesOf();
      return {
        folders: [project.root],
        open: async (plugin) => project.open(plugin),
        run: async (command) => (await rig.run([...command])).stdout,
        visible: [['scontrol', 'show', 'job']],
        kill: async ({ process_id }) => void (await rig.run(['scancel', (process_id as ServiceJob).job])),
        async silence() {
          await rig.stopGateway();
          return () => rig.startGateway();
        },
        // See useClusterServices.
        remove: async () => {},
      };
    },
  });
});
