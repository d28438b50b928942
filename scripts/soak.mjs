// `npm run soak [-- --rounds 50 --seed N --server dev|postgres]`: kills things at random, and looks what became of the runs.
import { spawnSync } from 'node:child_process';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

// Node 20 doesn't read TypeScript by itself, which the soak shares with the tests.
register('./soak/typescript.mjs', import.meta.url);
if (process.argv.some((argument) => /^(--server=)?postgres$/.test(argument))) {
  const setup = fileURLToPath(new URL('setup.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [setup, 'temporal-server'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const { main } = await import('../test/soak/main.ts');
process.exitCode = await main(process.argv.slice(2));
