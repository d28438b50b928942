/** What an experiment optimises. Never part of identity. */
export interface Objective {
  /** The metric's name. */
  readonly metric: string;
  readonly direction: 'min' | 'max';
}

export const DIRECTIONS: readonly Objective['direction'][] = ['min', 'max'];
