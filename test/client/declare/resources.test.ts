import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { experimentText } from '../../support/experiment-text.js';
import { metalab, submitJson } from '../../support/metalab.js';
import { projectWith } from '../../support/project.js';

test('resources are data of the declaration, and no part of any run’s identity', async () => {
  const project = await projectWith({ 'experiment.ts': experimentText() });
  const cwd = project.folder;
  const plain = await submitJson(['experiment.ts'], { cwd });
  expect(plain.outcome).toMatchObject({ executed: 3 });
  const resources = "resources: { gpus: 1, memory: '32G', time: '1-12:00:00', cpus: 4, partition: 'long' },";
  await project.write({ 'experiment.ts': experimentText({ properties: resources }) });
  const asking = await submitJson(['experiment.ts'], { cwd });
  expect(asking.outcome).toMatchObject({ executed: 0, reused: 3, success: 3 });
  const folder = join(project.store, 'e@1');
  const texts = await Promise.all(
    (await readdir(join(folder, 'declarations'))).map((name) =>
      readFile(join(folder, 'declarations', name), 'utf8'),
    ),
  );
  const kept = texts.map((text) => (JSON.parse(text) as { resources?: object }).resources);
  expect(kept).toHaveLength(2);
  expect(kept).toContainEqual(undefined);
  expect(kept).toContainEqual({
    gpus: '1',
    memory_bytes: 32 * 2 ** 30,
    time_s: 129_600,
    cpus: 4,
    partition: 'long',
  });
});

test('mistakes in resources are reported with all others', async () => {
  const properties =
    "tags: 'x', resources: { gpus: 'two', memory: 512, time: 'soon', cpus: 0.5, qos: '', partion: 'a' },";
  const project = await projectWith({ 'experiment.ts': experimentText({ properties }) });
  const { code, stderr } = await metalab(['submit', 'experiment.ts'], { cwd: project.folder });
  expect(code).toBe(2);
  expect(stderr.split('\n').filter((line) => line.startsWith('- '))).toEqual([
    '- tags: is "x"',
    '- resources.gpus: is "two"',
    '- resources.memory: is 512',
    '- resources.time: is "soon"',
    '- resources.cpus: is 0.5',
    '- resources.qos: is ""',
    '- resources.partion: is not a resource',
  ]);
  expect(stderr).toContain('next: did you mean partition?');
});
