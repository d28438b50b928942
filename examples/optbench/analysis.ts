import { derive } from 'metalab';

/** How many evaluations a search needed to come below 0.01: infinitely many if it never did. */
export const effort = derive(async (run) => {
  const { steps, values } = await run.series('best_value');
  const reached = values.findIndex((value) => value < 0.01);
  return { effort: steps[reached] ?? Number.POSITIVE_INFINITY };
});
