import { listNames } from './printable.js';

const MOST = 12;

/**
 * At most 12 names, the most similar to a mistyped one first: by edit distance; a name that contains it counts as
 * similar.
 */
function nearest(mistyped: string, names: readonly string[]): string[] {
  const distance = new Map(
    names.map((name) => [name, distanceOf(mistyped.toLowerCase(), name.toLowerCase())]),
  );
  return [...names].sort((a, b) => (distance.get(a) ?? 0) - (distance.get(b) ?? 0)).slice(0, MOST);
}

/** `one of: …`, the nearest names first. */
export const oneOfNearest = (mistyped: string, names: readonly string[]): string =>
  `one of: ${listNames(nearest(mistyped, names))}`;

function distanceOf(a: string, b: string): number {
  return b.includes(a) ? 1 : editDistance(a, b);
}

/** Edit distance in which swapping two adjacent letters counts once, computed row by row. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    [before, above, row] = [above, row, [i]];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          replaced,
          above[j]! + 1,
          row[j - 1]! + 1,
          swapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return row[b.length]!;
}

/** The name that a mistyped one is most similar to; undefined if no name shares half of its letters. */
export function nearestName(mistyped: string, names: readonly string[]): string | undefined {
  const [name] = nearest(mistyped, names);
  if (name === undefined) return undefined;
  const most = Math.ceil(Math.max(mistyped.length, name.length) / 2);
  return distanceOf(mistyped.toLowerCase(), name.toLowerCase()) <= most ? name : undefined;
}
