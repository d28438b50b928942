import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { nodePlatform } from '../../../src/execution/slurm/submit/node-package.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import type { Transport } from '../../../src/transport/transport.js';
import { body } from '../local/sweep.js';
import { type ClusterSweep, type ClusterSweepOptions, useClusterSweeps } from './cluster-sweep.js';

const PROGRAMS = '/usr/sbin/* /usr/bin/* /sbin/* /bin/*';
const PLATFORM = nodePlatform(`Linux ${process.arch === 'x64' ? 'x86_64' : 'aarch64'}`);
const QUICK = body("capture.metric('node', Number(process.versions.node.split('.')[0]));");

// Accounting absent: all of this is told without it.
const { rig, sweepOf } = await useClusterSweeps({ accounting: false });
/** Every program of the system's but Node. */
const nodeless = join(rig.folder, 'nodeless');
await rig.run(['sh', '-c', `mkdir "$1"; ln -sf ${PROGRAMS} "$1"; rm -f "$1/node"`, 'sh', nodeless]);

const uploads: string[] = [];

/** A cluster whose login has Node, or has not. */
function clusterOf(login: 'node' | 'nodeless'): Transport {
  const shell = createShellTransport();
  const path = login === 'node' ? [] : ['env', `PATH=${nodeless}`];
  return {
    ...shell,
    run: (command, options) => shell.run([...path, ...command], options),
    put: (from, to, options) => {
      uploads.push(to);
      return shell.put(from, to, options);
    },
  };
}

/** In the cache, where npm would have put it: this process's own Node, or a script that takes its place. */
function sweepWithNode(transport: Transport, options: ClusterSweepOptions, script?: string): ClusterSweep {
  uploads.length = 0;
  const sweep = sweepOf(options, transport);
  const program = join(
    sweep.sweep.root,
    'cache',
    'node',
    `${process.versions.node}-${PLATFORM}`,
    'bin',
    'node',
  );
  mkdirSync(dirname(program), { recursive: true });
  if (script === undefined) copyFileSync(process.execPath, program);
  else writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return sweep;
}

const shipped = (sweep: ClusterSweep) =>
  join(sweep.fileRoot, 'node', `${process.versions.node}-${PLATFORM}`, 'bin', 'node');

test('a cluster without Node gets one, once, and runs with it', async () => {
  const sweep = sweepWithNode(clusterOf('nodeless'), {
    code: QUICK,
    cases: 4,
    config: { chunk_size: 2, setup: [`PATH=${nodeless}`] },
  });
  expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
  expect(statSync(shipped(sweep)).mode & 0o111).toBe(0o111);
  sweep.executor = sweep.makeExecutor();
  expect(await sweep.execute({ token: 'a'.repeat(16) })).toMatchObject({ success: 4 });
  expect(uploads.filter((path) => path === shipped(sweep))).toHaveLength(1);
});

test('a cluster with Node on the login host only gets one for its nodes after the first task failed', async () => {
  const sweep = sweepWithNode(clusterOf('node'), {
    code: QUICK,
    cases: 4,
    config: { chunk_size: 2, setup: [`PATH=${nodeless}`] },
  });
  expect(await sweep.execute()).toMatchObject({ success: 4, failed: 0, left: [] });
  expect(uploads).toContain(shipped(sweep));
  expect(sweep.arrays()).toHaveLength(2);
});

test('a C library that is too old for Node is reported', async () => {
  const script = 'echo "node: /lib/libc.so.6: version \\`GLIBC_2.28\' not found" >&2; exit 1';
  const sweep = sweepWithNode(clusterOf('nodeless'), { code: QUICK }, script);
  const fault = await sweep.execute().catch((error) => error);
  expect(fault).toMatchObject({ code: 'NODE' });
  expect(fault.message).toMatch(/its C library is too old: node: .*GLIBC_2\.28.*load a module/s);
  expect(readdirSync(sweep.fileRoot)).not.toContain('sweep@1');
});
