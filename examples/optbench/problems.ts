/** A function to minimise. Its minimum is 0, at `minimiser` in every coordinate, in any dimension from 2. */
export interface Problem {
  /** Every coordinate of the search box: low ≤ x < high. */
  readonly low: number;
  readonly high: number;
  readonly minimiser: number;
  value(x: Float64Array): number;
  /** Writes the gradient at x into `gradient`. */
  gradient(x: Float64Array, gradient: Float64Array): void;
}

/** Σ x²: convex, the easiest there is (De Jong 1975, function 1). */
const sphere: Problem = {
  low: -5.12,
  high: 5.12,
  minimiser: 0,
  value: (x) => x.reduce((sum, xi) => sum + xi * xi, 0),
  gradient(x, gradient) {
    for (let i = 0; i < x.length; i++) gradient[i] = 2 * x[i]!;
  },
};

/** Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²: a narrow curved valley, condition number about 2500 (Rosenbrock 1960). */
const rosenbrock: Problem = {
  low: -2.048,
  high: 2.048,
  minimiser: 1,
  value(x) {
    let sum = 0;
    for (let i = 0; i + 1 < x.length; i++) sum += 100 * (x[i + 1]! - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2;
    return sum;
  },
  gradient(x, gradient) {
    gradient.fill(0);
    for (let i = 0; i + 1 < x.length; i++) {
      const off = x[i + 1]! - x[i]! ** 2;
      gradient[i]! += -400 * x[i]! * off - 2 * (1 - x[i]!);
      gradient[i + 1]! += 200 * off;
    }
  },
};

/** 10 d + Σ x² - 10 cos 2πx: about 10ᵈ local minima on a grid (Rastrigin 1974; Mühlenbein, Schomisch & Born 1991). */
const rastrigin: Problem = {
  low: -5.12,
  high: 5.12,
  minimiser: 0,
  value: (x) => x.reduce((sum, xi) => sum + xi * xi + 10 * (1 - Math.cos(2 * Math.PI * xi)), 0),
  gradient(x, gradient) {
    for (let i = 0; i < x.length; i++) gradient[i] = 2 * x[i]! + 20 * Math.PI * Math.sin(2 * Math.PI * x[i]!);
  },
};

/** -20 exp(-0.2 √(Σx²/d)) - exp(Σ cos 2πx / d) + 20 + e: a funnel in a bumpy plain (Ackley 1987; Bäck 1996). */
const ackley: Problem = {
  low: -32.768,
  high: 32.768,
  minimiser: 0,
  value(x) {
    const { radius, cosine } = ackleyMeans(x);
    return 20 * (1 - Math.exp(-0.2 * radius)) + Math.E - Math.exp(cosine);
  },
  gradient(x, gradient) {
    const { radius, cosine } = ackleyMeans(x);
    // At the minimum itself it has a kink; 0 is a subgradient there.
    const funnel = radius === 0 ? 0 : (4 * Math.exp(-0.2 * radius)) / (x.length * radius);
    const ripple = (2 * Math.PI * Math.exp(cosine)) / x.length;
    for (let i = 0; i < x.length; i++) gradient[i] = funnel * x[i]! + ripple * Math.sin(2 * Math.PI * x[i]!);
  },
};

function ackleyMeans(x: Float64Array): { radius: number; cosine: number } {
  let squares = 0;
  let cosines = 0;
  for (const xi of x) {
    squares += xi * xi;
    cosines += Math.cos(2 * Math.PI * xi);
  }
  return { radius: Math.sqrt(squares / x.length), cosine: cosines / x.length };
}

export const PROBLEM_NAMES = ['sphere', 'rosenbrock', 'rastrigin', 'ackley'] as const;
export type ProblemName = (typeof PROBLEM_NAMES)[number];

export const PROBLEMS: { readonly [name in ProblemName]: Problem } = {
  sphere,
  rosenbrock,
  rastrigin,
  ackley,
};
