// `npm run soak [-- --rounds 50 --seed N --server dev|postgres]`: kills things at random, and looks what became of the runs.
import { register } from 'node:module';

// Node 20 doesn't read TypeScript by itself, which the soak shares with the tests.
register('./soak/typescript.mjs', import.meta.url);
const { main } = await import('../test/soak/main.ts');
process.exitCode = await main(process.argv.slice(2));
