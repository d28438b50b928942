import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import proto from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/metalab.js';

const HISTORIES = fileURLToPath(new URL('histories/', import.meta.url));
const shapes = readdirSync(HISTORIES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

/** Recorded by `histories/record.mjs`: a sweep that runs while metalab is upgraded has one of these behind it. */
describe.each(shapes)('a workflow that began in the shape of %s', (shape) => {
  const files = readdirSync(join(HISTORIES, shape));

  it.each(files)('goes on with today’s code: %s', async (file) => {
    const { History } = proto.temporal.api.history.v1;
    const history = History.decode(gunzipSync(readFileSync(join(HISTORIES, shape, file))));
    expect(history.events.length).toBeGreaterThan(10);
    const workflowBundle = { codePath: join(ROOT, 'dist', 'workflow-bundle.js') };
    await Worker.runReplayHistory({ workflowBundle }, history, 'metalab/recorded');
  });
});
