import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TEMPORAL_SERVER_VERSION } from '../../scripts/setup/temporal-server-programs.mjs';
import { ROOT } from '../support/metalab.js';

const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');

test('docker-compose.yml deploys the version of Temporal that the tests run against', () => {
  const images = [...compose.matchAll(/temporalio\/(?:server|admin-tools):([\d.]+)/g)];
  expect(images.map(([, version]) => `v${version}`)).toEqual([
    TEMPORAL_SERVER_VERSION,
    TEMPORAL_SERVER_VERSION,
  ]);
});

test('docker-compose.yml mounts files that are there', () => {
  const files = [...compose.matchAll(/- (\.\/docker\/[\w.-]+):/g)].map(([, file]) => file!);
  expect(files).toHaveLength(3);
  for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
});
