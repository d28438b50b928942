import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withoutStartingServices } from '../../scripts/setup/debian-services.mjs';

let folder: string;
let policy: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-policy-'));
  policy = join(folder, 'policy-rc.d');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('packages may start no service, only while they are installed, whether that succeeds or not', () => {
  withoutStartingServices(() => expect(spawnSync(policy, ['munge', 'start']).status).toBe(101), policy);
  expect(existsSync(policy)).toBe(false);
  const failing = () => {
    throw new Error('no space left');
  };
  expect(() => withoutStartingServices(failing, policy)).toThrow('no space left');
  expect(existsSync(policy)).toBe(false);
});

test("a machine's own policy stays; one that a killed set-up left goes", () => {
  let ours = '';
  writeFileSync(policy, '#!/bin/sh\nexit 104\n');
  withoutStartingServices(() => expect(readFileSync(policy, 'utf8')).toContain('exit 104'), policy);
  expect(readFileSync(policy, 'utf8')).toContain('exit 104');
  rmSync(policy);
  withoutStartingServices(() => {
    ours = readFileSync(policy, 'utf8');
  }, policy);
  writeFileSync(policy, ours);
  withoutStartingServices(() => {}, policy);
  expect(existsSync(policy)).toBe(false);
});
