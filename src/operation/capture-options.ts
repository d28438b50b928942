import { nearestName } from '../definition/nearest.js';

/**
 * Refuses options that a method of `capture` does not know. Called for every point of a series: allocates nothing where
 * all is well.
 *
 * @throws TypeError naming the option that was probably meant
 */
export function refuseOptions(method: string, name: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(
      `capture.${method} '${name}': the options are ${String(options)}: expected an object`,
    );
  for (const option in options) {
    if (known.includes(option)) continue;
    const near = nearestName(option, known);
    throw new TypeError(
      `capture.${method} '${name}': '${option}' is not an option; there is ${known.join(', ')}${near ? `: did you mean ${near}?` : ''}`,
    );
  }
}
