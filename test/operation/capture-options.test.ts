import { expect, it } from 'vitest';
import { registerSerializer } from '../../src/operation/public.js';
import type { RunSink } from '../../src/operation/run-sink.js';
import { RunCapture } from '../../src/operation/typescript/capture.js';

/** Nothing gets as far as the sink. */
const capture = new RunCapture('run', {} as RunSink);
const call =
  (method: keyof RunCapture, ...given: unknown[]) =>
  () =>
    (capture[method] as (...given: unknown[]) => void).call(capture, ...given);

it.each([
  ['metric', call('metric', 'loss', 1, { steps: 3 }), /capture\.metric 'loss': 'steps'.*did you mean step\?/],
  ['artifact', call('artifact', 'model', {}, { fromat: 'json' }), /'fromat'.*did you mean format\?/],
  ['file', call('file', 'out.bin', { nme: 'x' }), /capture\.file 'out\.bin': 'nme'.*did you mean name\?/],
  ['figure', call('figure', 'plot', '<svg/>', { meta: {} }), /'meta'.*did you mean metadata\?/],
  ['metric with a step as a number', call('metric', 'loss', 1, 3), /the options are 3: expected an object/],
])('capture.%s refuses what it does not know, with what was probably meant', (_, attempt, message) => {
  expect(attempt).toThrow(message);
});

it('a serializer that lacks a function is refused where it is registered', () => {
  expect(() => registerSerializer({ name: 'mine', accepts: () => true } as never)).toThrow(
    /'mine' has no function serialize/,
  );
});
