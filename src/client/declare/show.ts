import { formatValue } from '../../definition/refuse.js';

/** A field's value as a mistake tells of it. */
export const show = (value: unknown): string => (value === undefined ? 'missing' : formatValue(value));
