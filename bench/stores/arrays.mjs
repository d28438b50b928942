// Sweeps whose runs leave an array of 1 KB each: as an artifact, or as a file that the operation itself writes.
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { experiment, grid, operation, seeds } from 'metalab';

const arrayOf = (x, y) => Float64Array.from({ length: 128 }, (_, index) => x + y * index);

export const artifacts = operation(({ params, capture }) =>
  capture.artifact('array', arrayOf(params.x, params.y)),
);

/** A file for each array: whole or not at all, named by its SHA-256. Not synced to disk, as metalab's artifacts are. */
export const files = operation(({ params, context }) => {
  const bytes = new Uint8Array(arrayOf(params.x, params.y).buffer);
  const path = join(context.folder, createHash('sha256').update(bytes).digest('hex'));
  writeFileSync(`${path}.tmp`, bytes);
  renameSync(`${path}.tmp`, path);
});

/** `runs` cases, as a grid of two axes: `runs / 1000` × 1000 values. */
export const arraySweep = (runs, name, operation, context = {}) =>
  experiment({
    name,
    version: String(runs),
    operation,
    context,
    params: grid({ x: range(Math.ceil(runs / 1000)), y: range(Math.min(1000, runs)) }),
    seeds: seeds({ base: 1 }),
  });

const range = (length) => Array.from({ length }, (_, index) => index);
