import type { Rng } from 'metalab';

/** A square lattice of spins, +1 or −1, whose edges meet: a torus. */
export class Lattice {
  readonly size: number;
  readonly spins: Int8Array;

  /** All spins point up. */
  constructor(size: number) {
    this.size = size;
    this.spins = new Int8Array(size * size).fill(1);
  }

  /** One Metropolis sweep at a temperature in units of J/k: as many tries to flip a spin as there are spins. */
  sweep(temperature: number, rng: Rng): void {
    const { size, spins } = this;
    for (let tries = 0; tries < spins.length; tries++) {
      const place = Math.floor(rng.float() * spins.length);
      const [row, column] = [Math.floor(place / size), place % size];
      const neighbours =
        spins[((row + 1) % size) * size + column]! +
        spins[((row + size - 1) % size) * size + column]! +
        spins[row * size + ((column + 1) % size)]! +
        spins[row * size + ((column + size - 1) % size)]!;
      const cost = 2 * spins[place]! * neighbours;
      if (cost <= 0 || rng.float() < Math.exp(-cost / temperature)) spins[place] = -spins[place]!;
    }
  }

  /** Mean of all spins, −1 to 1. */
  get magnetisation(): number {
    return this.spins.reduce((sum, spin) => sum + spin, 0) / this.spins.length;
  }
}
