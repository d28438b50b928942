// @ts-check
// Beside each rig of a process: takes the rig down when its owner is gone, whatever that died of.
import { setTimeout as sleep } from 'node:timers/promises';
import { takeDown } from './down.mjs';
import { runs } from './processes.mjs';
import { readSettings } from './settings.mjs';

const LOOKS_EVERY_MS = 500;

const folder = process.argv[2] ?? '';
for (;;) {
  const settings = readSettings(folder);
  // Its owner has taken it down.
  if (!settings) break;
  if (!runs(settings.owner)) {
    await takeDown(folder);
    break;
  }
  await sleep(LOOKS_EVERY_MS);
}
