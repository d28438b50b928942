import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { metalab } from '../support/metalab.js';
import { playRound, undisturbed } from './round.js';
import { engineServer } from './server.js';

/** Between them they kill a slot, a worker, the server, the command line, and all at once. `npm run soak` plays more. */
const SEEDS = [20, 32, 41];

test('rounds of random kills lose, double and wrongly fail no run, and leave nothing behind', {
  timeout: 1800_000,
}, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'metalab-soak-test-'));
  const home = join(scratch, 'home');
  onTestFinished(async () => {
    await metalab(['engine', 'stop'], { env: { METALAB_HOME: home } });
    rmSync(scratch, { recursive: true, force: true });
  });
  const arena = { home, server: engineServer(home) };
  const expected = await undisturbed(arena, join(scratch, 'undisturbed'));
  for (const seed of SEEDS) {
    const report = await playRound(arena, join(scratch, `round-${seed}`), seed, expected);
    const { lost, doubled, failed, leftBehind, complaints } = report;
    expect({ seed, lost, doubled, failed, leftBehind, complaints }).toEqual({
      seed,
      lost: [],
      doubled: [],
      failed: [],
      leftBehind: [],
      complaints: [],
    });
    expect(report.faults, 'nothing was hit').not.toEqual([]);
  }
});
