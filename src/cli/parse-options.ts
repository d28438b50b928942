import { UsageError } from '../definition/errors.js';

/** Makes a parser of whole numbers in a range, for the option that it names in its error. */
export function wholeNumber(option: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new UsageError({
      code: 'METALAB_OPTION',
      where: option,
      what: `is ${JSON.stringify(text)}`,
      expected: `a whole number from ${low} to ${high}`,
    });
  };
}
