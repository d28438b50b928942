// A million runs of 10 params and 10 metrics, whose values look like measured ones.
import { experiment, grid, operation, seeds } from 'metalab';

const range = (length) => Array.from({ length }, (_, index) => index);
const constants = Object.fromEntries(range(7).map((index) => [`p${index + 3}`, [index / 10]]));

export const measure = operation(({ params, capture }) => {
  const cell = (params.p0 * 100 + params.p1) * 100 + params.p2;
  for (let index = 0; index < 10; index++)
    capture.metric(`m${index}`, (((cell + 1) * 2_654_435_761 * (2 * index + 1)) % 1_000_003) / 1_000_003);
});

export default experiment({
  name: 'measured',
  version: '1',
  operation: measure,
  params: grid({ p0: range(100), p1: range(100), p2: range(100), ...constants }),
  seeds: seeds({ base: 1 }),
});
