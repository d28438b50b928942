import { derive } from 'metalab';

/** When a network was at its best, and how much worse it became by learning its training set by heart. */
export const learning = derive(async (run) => {
  const { steps, values } = await run.series('val_loss');
  const best = values.indexOf(Math.min(...values));
  return { best_epoch: steps[best]!, overfit: values.at(-1)! - values[best]! };
});
