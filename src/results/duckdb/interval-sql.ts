import { NORMAL_975, studentT975 } from '../query/student-t.js';

/** Beyond so many degrees of freedom the expansion below is exact to nine digits. */
const TABLED = 100;
const TABLE = Array.from({ length: TABLED }, (_, index) => studentT975(index + 1));

/** Half of the 95 % confidence interval of a mean of `n` numbers, as SQL: what `meanInterval` computes of one group. */
export function meanHalfSql(n: string, std: string): string {
  return `CASE WHEN ${n} < 2 THEN NULL WHEN ${n} <= ${TABLED + 1} THEN ([${TABLE.join(', ')}])[${n} - 1] ELSE ${largeT(`(${n} - 1)`)} END * ${std} / sqrt(${n})`;
}

/** The same of a proportion: what `proportionInterval` computes. */
export function proportionHalfSql(n: string, mean: string): string {
  const z2 = NORMAL_975 ** 2;
  return `CASE WHEN ${n} = 0 THEN NULL ELSE ${NORMAL_975} / (1 + ${z2} / ${n}) * sqrt(${mean} * (1 - ${mean}) / ${n} + ${z2} / (4.0 * ${n} * ${n})) END`;
}

/** Student's t by the normal distribution's quantile. R. A. Fisher and E. A. Cornish, Technometrics 2 (1960), 209-225. */
function largeT(degrees: string): string {
  const z = NORMAL_975;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return `(${z} + ${first} / ${degrees} + ${second} / pow(${degrees}, 2) + ${third} / pow(${degrees}, 3))`;
}
