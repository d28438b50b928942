import type { Objective } from '../objective.js';
import type { Optimiser } from './optimiser.js';

/** The first simplex's edges, as a share of the search box's width. */
const FIRST_EDGE = 0.05;
const SMALLEST_EDGE = 1e-14;

interface Vertex {
  readonly x: Float64Array;
  readonly value: number;
}

/**
 * The downhill simplex (Nelder & Mead 1965; steps as in Lagarias et al. 1998), with coefficients that depend on the
 * dimension (Gao & Han 2012), without which it stalls in more than a few dimensions.
 */
export const nelderMead: Optimiser = (objective, start) => {
  const dimension = start.length;
  const expansion = 1 + 2 / dimension;
  const contraction = 0.75 - 1 / (2 * dimension);
  const shrinkage = 1 - 1 / dimension;
  const simplex = firstSimplex(objective, start);

  while (!objective.done) {
    simplex.sort((a, b) => a.value - b.value);
    const [best, worst, second] = [simplex[0]!, simplex[dimension]!, simplex[dimension - 1]!];
    if (best.x.every((xi, i) => Math.abs(xi - worst.x[i]!) < SMALLEST_EDGE * objective.width)) return;

    const centre = centroid(simplex.slice(0, -1));
    const along = (factor: number) => vertex(objective, between(centre, worst.x, -factor));
    const reflected = along(1);
    let accepted: Vertex | undefined;
    if (reflected.value < best.value) {
      const expanded = along(expansion);
      accepted = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < second.value) {
      accepted = reflected;
    } else {
      const contracted = along(reflected.value < worst.value ? contraction : -contraction);
      if (contracted.value < Math.min(reflected.value, worst.value)) accepted = contracted;
    }

    if (accepted) simplex[dimension] = accepted;
    else
      simplex.forEach(({ x }, i) => {
        if (i > 0) simplex[i] = vertex(objective, between(best.x, x, shrinkage));
      });
  }
};

function firstSimplex(objective: Objective, start: Float64Array): Vertex[] {
  const corners = Array.from(start, (_, axis) =>
    start.map((xi, i) => (i === axis ? xi + FIRST_EDGE * objective.width : xi)),
  );
  return [start, ...corners].map((x) => vertex(objective, x));
}

function vertex(objective: Objective, x: Float64Array): Vertex {
  return { x, value: objective.value(x) };
}

function centroid(vertices: readonly Vertex[]): Float64Array {
  const length = vertices[0]?.x.length ?? 0;
  return Float64Array.from(
    { length },
    (_, i) => vertices.reduce((sum, { x }) => sum + x[i]!, 0) / vertices.length,
  );
}

/** from + factor (to - from) */
function between(from: Float64Array, to: Float64Array, factor: number): Float64Array {
  return from.map((xi, i) => xi + factor * (to[i]! - xi));
}
