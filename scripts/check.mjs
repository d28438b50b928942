// `npm run check`: types, lint and format, import boundaries, unused code and dependencies. All of them, then the verdict.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const CHECKS = [
  { what: 'types', command: ['tsc', '-p', 'tsconfig.check.json'] },
  { what: 'lint and format', command: ['biome', 'ci', '--reporter=summary'] },
  {
    what: 'import boundaries',
    command: ['depcruise', 'src', '--config', '.dependency-cruiser.mjs', '--output-type', 'err'],
  },
  { what: 'unused code and dependencies', command: ['knip'] },
];

const failed = CHECKS.filter(({ what, command: [program, ...args] }) => {
  console.log(`checking ${what} …`);
  return spawnSync(`${root}node_modules/.bin/${program}`, args, { cwd: root, stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) {
  console.error(`not right: ${failed.map(({ what }) => what).join(', ')}`);
  process.exit(1);
}
console.log('all checks are fine');
