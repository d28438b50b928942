import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { processStart } from '../../src/engine/process-start.mjs';
import { metalab, startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { until } from '../support/until.js';

const ENDLESS = `
import { writeFileSync } from 'node:fs';
writeFileSync('pid', String(process.pid));
await new Promise((resolve) => setTimeout(resolve, 1_000_000));`;
const SOUND = `
import { experiment, grid, operation, seeds } from 'metalab';
export const work = operation(({ params, capture }) => capture.metric('y', params.x));
export default experiment({ name: 'e', version: '1', operation: work, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });`;

test('a submit killed while it evaluates leaves no process, and the next one removes its temporary folder', async () => {
  const project = await projectWith({ 'endless.mjs': ENDLESS, 'sound.mjs': SOUND, 'tmp/here': '' });
  const temporary = project.path('tmp');
  const options = { cwd: project.folder, env: { TMPDIR: temporary } };
  const submit = startMetalab(['submit', 'endless.mjs', '--dry-run'], options);
  await until(() => existsSync(project.path('pid')) && readFileSync(project.path('pid'), 'utf8') !== '');
  const pid = Number(readFileSync(project.path('pid'), 'utf8'));
  submit.kill('SIGKILL');
  await expect.poll(() => processStart(pid), { timeout: 10_000 }).toBeUndefined();
  expect(readdirSync(temporary)).toHaveLength(2);

  const { code, stderr } = await metalab(['submit', 'sound.mjs', '--dry-run'], options);
  expect(code, stderr).toBe(0);
  expect(readdirSync(temporary)).toEqual(['here']);
});
