// What `metalab` is inside a slot: everything of the public API that a user's module may need there. No client.
export { z } from 'zod';
export * from '../definition/index.js';
export { registerSerializer } from './serializers/registry.js';
export type { Serializer } from './serializers/serializer.js';
