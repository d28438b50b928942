import type { PostgresSettings } from './settings.js';

/** An address at which this process reaches a server now. */
export interface ReachedServer {
  readonly host: string;
  readonly port: number;
  /** The connection to it has ended. */
  release(): void;
}

/** @returns undefined if the server is reached at the address that its location names */
export type ReachServer = (settings: PostgresSettings) => Promise<ReachedServer | undefined>;

let reach: ReachServer | undefined;

/**
 * Says how the servers that metalab runs as services are reached: they move, and some are behind a gateway. Storage knows no
 * services: the entry points, which do, connect the two when they are loaded.
 */
export function provideReach(find: ReachServer): void {
  reach = find;
}

export const reachServer: ReachServer = async (settings) => reach?.(settings);
