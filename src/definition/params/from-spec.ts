import { Grid } from './grid.js';
import { Manual } from './manual.js';
import { Random } from './random.js';
import type { ParamSource, ParamSpec } from './source.js';

/** Creates a param source from a declaration's data. */
export function paramSourceFromSpec(spec: ParamSpec): ParamSource {
  switch (spec.kind) {
    case 'grid':
      return new Grid(spec);
    case 'random':
      return new Random(spec);
    case 'manual':
      return new Manual(spec);
  }
}
