import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ClusterFiles } from '../../../src/services/slurm/cluster-files.js';
import { jobScript } from '../../../src/services/slurm/job-script.js';

test('the script is one for bash, whatever plans leave out, and whatever names hold', () => {
  const script = jobScript({
    files: new ClusterFiles("/scratch/it's $HOME", 'lab-1', 'cluster'),
    ...{ number: 2, after: 1, time_s: 60, places: [], modules: [], setup: [] },
    services: [
      { name: 'bare', port: 20_001, setup: [], cleanup: [], readiness: { type: 'port', port: 20_001 } },
      {
        name: 'web',
        port: 20_002,
        setup: ['sleep 1 &', 'SERVICE_PID=$!'],
        cleanup: ['kill "$SERVICE_PID"'],
        health: { type: 'reply', port: 20_002, request: [0, 39, 255] },
        readiness: { type: 'http', port: 20_002, path: "/it's" },
      },
    ],
  });
  const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
