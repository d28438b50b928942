import { experiment, grid, operation, seeds, z } from 'metalab';
import { Lattice } from './ising.js';

const SWEEPS = 600;
const WARM_UP = 200;

/** How strongly a magnet is magnetised at a temperature: the Ising model, by Metropolis. */
export const magnetise = operation({
  params: z.object({ temperature: z.number().positive(), size: z.number().int().positive() }),
  run({ params, seeds, capture, runtime }) {
    const lattice = new Lattice(params.size);
    const rng = seeds.rng();
    let sum = 0;
    for (let sweep = 1; sweep <= SWEEPS; sweep++) {
      lattice.sweep(params.temperature, rng);
      if (sweep > WARM_UP) sum += Math.abs(lattice.magnetisation);
      if (sweep % 100 === 0) capture.log(`sweep ${sweep}: magnetisation ${lattice.magnetisation.toFixed(3)}`);
      runtime.progress(sweep / SWEEPS);
    }
    capture.metric('magnetisation', sum / (SWEEPS - WARM_UP));
    capture.artifact('spins', lattice.spins);
  },
});

export default experiment({
  name: 'ising',
  version: '0.1',
  description: 'The phase transition of a square Ising magnet.',
  operation: magnetise,
  params: grid({ temperature: [1.5, 2, 2.2, 2.3, 2.5, 3], size: [16, 48] }),
  seeds: seeds({ base: 42, replicates: 3 }),
  // For a task, over what the environment says; never part of a run's identity.
  resources: { time: '10min', memory: '500M' },
});
