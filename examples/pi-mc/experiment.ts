import { experiment, grid, operation, seeds, z } from 'metalab';

/** Four times the share of random points in the unit square that fall into the quarter circle of radius 1. */
export const estimatePi = operation({
  params: z.object({ samples: z.number().int().positive() }),
  run({ params, seeds, capture }) {
    const rng = seeds.rng();
    let inside = 0;
    for (let sample = 0; sample < params.samples; sample++) {
      const x = rng.float();
      const y = rng.float();
      if (x * x + y * y <= 1) inside++;
    }
    const pi = (4 * inside) / params.samples;
    capture.metric('pi', pi);
    capture.metric('abs_error', Math.abs(pi - Math.PI));
  },
});

export default experiment({
  name: 'pi_mc',
  version: '0.1',
  description: 'Estimates π by Monte Carlo integration.',
  operation: estimatePi,
  params: grid({ samples: [100_000, 1_000_000, 5_000_000] }),
  seeds: seeds({ base: 42, replicates: 10 }),
});
