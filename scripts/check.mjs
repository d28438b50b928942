// `npm run check`: types, lint and format, import boundaries, unused code and dependencies. All of them, then the verdict.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TSC } from './tsc.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const CHECKS = [
  { what: 'types', command: [TSC, '-p', 'tsconfig.check.json'] },
  { what: 'lint and format', command: ['node_modules/.bin/biome', 'ci', '--reporter=summary'] },
  {
    what: 'import boundaries',
    command: [
      'node_modules/.bin/depcruise',
      'src',
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'err',
    ],
  },
  { what: 'unused code and dependencies', command: ['node_modules/.bin/knip'] },
];

const failed = CHECKS.filter(({ what, command: [program, ...args] }) => {
  console.log(`checking ${what} …`);
  return spawnSync(`${root}${program}`, args, { cwd: root, stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) {
  console.error(`not right: ${failed.map(({ what }) => what).join(', ')}`);
  process.exit(1);
}
console.log('all checks are fine');
