import { parse } from 'csv-parse/sync';

export const SPECIES: readonly string[] = ['Adelie', 'Chinstrap', 'Gentoo'];

/** Bill length and depth and flipper length in millimetres, body mass in grams. */
export const FEATURES = ['culmen_length_mm', 'culmen_depth_mm', 'flipper_length_mm', 'body_mass_g'] as const;

/** One individual: its measurements in the order of {@link FEATURES}, its species as an index of {@link SPECIES}. */
export interface Example {
  readonly features: readonly number[];
  readonly label: number;
}

/**
 * The penguins of Palmer Archipelago (Gorman, Williams & Fraser 2014) that were measured in full.
 *
 * @param csv a table with the columns `species` and {@link FEATURES}
 * @throws RangeError at a species that is not one of {@link SPECIES}
 */
export function parsePenguins(csv: Buffer): Example[] {
  const rows = parse<Record<string, string>>(csv, { columns: true });
  return rows
    .map((row) => ({
      features: FEATURES.map((feature) => Number(row[feature] || Number.NaN)),
      label: labelOf(row.species),
    }))
    .filter(({ features }) => features.every(Number.isFinite));
}

function labelOf(species: string | undefined): number {
  const label = SPECIES.indexOf(species ?? '');
  if (label < 0) throw new RangeError(`unknown species '${species}', expected ${SPECIES.join(', ')}`);
  return label;
}
