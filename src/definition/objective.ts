/** What an experiment optimises. Never part of identity. */
export interface Objective {
  /** The metric's name. */
  readonly metric: string;
  readonly direction: Direction;
}

export type Direction = 'min' | 'max';

export const DIRECTIONS: readonly Direction[] = ['min', 'max'];
