/** How often something in progress is looked at: after a share of the time that it has taken, within limits. */
export interface Looks {
  readonly share: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before the next look, in ms. A short interval that stays costs more, for hours, than what is looked at
 * does: following two long runs took 11 % of a core (the command 5, the worker and the server 3 each) with 200 ms for the
 * status and 15 ms for the outcome, and 4 % when the intervals grow to 1,000 and 250 ms.
 *
 * @param elapsedMs how long it has been in progress, or looked at
 */
export const lookInterval = (elapsedMs: number, { share, minMs, maxMs }: Looks): number =>
  Math.min(maxMs, Math.max(minMs, share * elapsedMs));
