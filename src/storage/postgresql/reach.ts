import type { PostgresSettings } from './settings.js';

/** Where an index is reached from this machine, until it is closed. */
export interface ReachedIndex {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** @returns undefined if it is reached as its location says */
type ReachIndex = (settings: PostgresSettings) => Promise<ReachedIndex | undefined>;

let reach: ReachIndex | undefined;

/**
 * Says how an index is reached that a service on a cluster has. Storage knows no services: programs that do connect the two
 * when they start.
 */
export function provideReach(way: ReachIndex): void {
  reach = way;
}

/** @throws TransportError if the way to it can't be opened */
export const reachIndex: ReachIndex = async (settings) => reach?.(settings);
