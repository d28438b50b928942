import { expect, it } from 'vitest';
import { studentT975 } from '../../../src/results/query/student-t.js';

// From the tables of R's qt(0.975, df).
it.each([
  [1, 12.7062047],
  [2, 4.30265273],
  [3, 3.18244631],
  [4, 2.77644511],
  [5, 2.57058184],
  [9, 2.26215716],
  [29, 2.04522964],
  [100, 1.98397152],
  [1e6, 1.95996636],
])('the 97.5 %% quantile of t with %d degrees of freedom is %d', (degrees, expected) => {
  expect(Math.abs(studentT975(degrees) / expected - 1)).toBeLessThan(2e-6);
});
