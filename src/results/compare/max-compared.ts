/** How many runs are compared at once. */
export const MAX_COMPARED = 10;
