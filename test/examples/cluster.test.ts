import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { useCluster } from '../slurm/cluster.js';
import { ROOT } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { readmeCommands, runReadmeCommand } from './readme-commands.js';

const cluster = await useCluster();

test('a new user comes from the README to a first sweep on a cluster', { timeout: 540_000 }, async () => {
  const { folder: cwd } = new Project();
  // Without what trials by hand have left there.
  const isOurs = (path: string) => !/^(experiments|\.metalab\.local\.toml)$/.test(basename(path));
  cpSync(join(ROOT, 'examples', 'cluster'), cwd, { recursive: true, filter: isOurs });
  const config = join(cwd, '.metalab.toml');
  const gateway = readFileSync(config, 'utf8').replace('"login.cluster.edu"', '"rig"');
  writeFileSync(config, gateway);
  for (const [name, value] of Object.entries(cluster.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const outputs = new Map<string, string>();
  let run = '';
  for (const line of await readmeCommands('cluster')) {
    const store = join(cwd, 'experiments');
    const output = await runReadmeCommand(line, { cwd, store, run });
    outputs.set(line.replace(/^npx metalab /, ''), output);
    run ||= /^([0-9a-f]{12,})\b/m.exec(output)?.[1] ?? '';
  }
  const said = (line: string) => outputs.get(line);
  expect(said('env check cluster')).toMatch(/^ok {3}sbatch: slurm-wlm /m);
  expect(said('submit experiment.ts --env cluster --dry-run')).toContain('36 of 36 runs would be executed');
  expect(said('submit experiment.ts --env cluster')).toContain('36 runs: 36 success; 36 executed');
  expect(said('status')).toMatch(/ising:0\.1 +completed +36 +36/);
  const means = said('results ising --group-by size,temperature')!.trim().split('\n').slice(1);
  const mean = (size: number, temperature: number) =>
    Number(
      means
        .map((row) => row.trim().split(/ +/))
        .find(([s, t]) => s === `${size}` && t === `${temperature}`)?.[3],
    );
  expect(mean(48, 1.5)).toBeCloseTo(0.99, 1);
  expect(mean(48, 3)).toBeLessThan(0.2);
  expect(mean(48, 3)).toBeLessThan(mean(16, 3));
  expect(said('show RUN')).toMatch(/\n {2}job +\d+_\d+\n/);
  expect(said('logs RUN')).toContain('sweep 600: magnetisation');
  // 16 × 16 spins of a byte each, and NumPy's header.
  expect(statSync(join(cwd, 'spins.npy')).size).toBeGreaterThan(256);
  expect(said('submit experiment.ts --env local --dry-run')).toContain('0 of 36 runs would be executed');
  expect(said('env clean cluster')).toContain('removed ising:0.1');
});
