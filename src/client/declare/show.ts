import { formatValue } from '../../definition/refuse.js';

/** A field's value, formatted for an error message. */
export const show = (value: unknown): string => (value === undefined ? 'missing' : formatValue(value));
