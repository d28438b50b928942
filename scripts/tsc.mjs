/**
 * The compiler, from the root of the project: TypeScript 7. Checking takes 12 s of processor time (35 with TypeScript 6),
 * building 6 s (30). It has no API yet, so `dependency-cruiser` and `npm run soak`, which need one, use TypeScript 6.
 */
export const TSC = 'node_modules/typescript-7/bin/tsc';
