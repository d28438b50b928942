import { formatValue } from '../../definition/refuse.js';

export const show = (value: unknown): string => (value === undefined ? 'missing' : formatValue(value));
