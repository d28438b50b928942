// metalab's public API: named exports only.
export { z } from 'zod';
export * from './definition/index.js';
