// What `metalab` is inside a slot: everything of the public API that a user's module may need there. No client.
export { z } from 'zod';
export {
  DefinitionError,
  InfrastructureError,
  MetalabError,
  StoreError,
  UsageError,
} from '../definition/errors.js';
export * from '../definition/index.js';
export { registerSerializer } from './serializers/registry.js';
export type { Serializer } from './serializers/serializer.js';
