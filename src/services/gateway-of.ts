import type { GatewayConfig, ResolvedEnvironment } from '../config/resolved-config.js';

/** How an environment's cluster is reached; undefined: from this machine itself. */
export const gatewayOf = (environment: ResolvedEnvironment): GatewayConfig | undefined =>
  'gateway' in environment ? environment.gateway : undefined;
