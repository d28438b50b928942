import type { JsonObject } from 'metalab';
import type { Point } from './cars.js';
import type { Curve } from './polynomial.js';

const CURVE_POINTS = 100;

/** A Vega-Lite specification: both sets as dots, the fitted curve over the range of all of them. */
export function fitFigure(
  train: readonly Point[],
  test: readonly Point[],
  curve: Curve,
  model: { readonly degree: number; readonly lambda: number },
): JsonObject {
  const dots = [
    ...train.map((point) => ({ ...point, set: 'train' })),
    ...test.map((point) => ({ ...point, set: 'test' })),
  ];
  const xs = dots.map(({ x }) => x);
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const line = Array.from({ length: CURVE_POINTS }, (_, index) => {
    const x = low + (index / (CURVE_POINTS - 1)) * (high - low);
    return { x, y: curve(x) };
  });

  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    title: `Polynomial of degree ${model.degree}, λ = ${model.lambda}`,
    width: 480,
    height: 320,
    encoding: {
      x: { field: 'x', type: 'quantitative', title: 'Power (hp)' },
      y: { field: 'y', type: 'quantitative', title: 'Economy (mpg)', scale: { domain: [0, 50] } },
    },
    layer: [
      {
        data: { values: dots },
        mark: { type: 'point', opacity: 0.6 },
        encoding: { color: { field: 'set', type: 'nominal', title: null } },
      },
      { data: { values: line }, mark: { type: 'line', clip: true, color: 'black' } },
    ],
  };
}
