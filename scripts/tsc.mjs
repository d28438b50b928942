/**
 * The compiler, from the root of the project. TypeScript 7 takes 12 s of processor time to check all, 6 to build; 6 takes 35
 * and 30. It has no API yet: what reads code by that (`dependency-cruiser`, `npm run soak`) has TypeScript 6.
 */
export const TSC = 'node_modules/typescript-7/bin/tsc';
