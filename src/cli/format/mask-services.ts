import type { ExplainedValue } from '../../config/project-config.js';
import type { ResolvedConfig } from '../../config/resolved-config.js';

const MASK = '***';

/** Masks the values of services, to show a configuration: any of them may be a secret, whatever its key. */
export const maskServices = (config: ResolvedConfig): ResolvedConfig => ({
  ...config,
  environment: { ...config.environment, services: masked(config.environment.services) },
  services: masked(config.services),
});

export const maskServiceValue = (explained: ExplainedValue): ExplainedValue =>
  explained.key.startsWith('services.') ? { ...explained, value: MASK } : explained;

const masked = (services: ResolvedConfig['services']) =>
  Object.fromEntries(Object.entries(services).map(([service, value]) => [service, mask(value)]));

function mask(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return MASK;
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, mask(below)]));
}
