import { expect, test } from 'vitest';
import { startHost } from '../../../src/runner/hosts/start-host.js';
import { body } from '../../execution/local/sweep.js';
import { type Behaviour, describeOperationHost } from './contract.js';

const BODIES: { readonly [B in Behaviour]: string } = {
  captures:
    "capture.log('a line'); capture.tag('tagged'); capture.metric('loss', 1, { step: 1 }); capture.metric('loss', 2, { step: 2 });",
  fails: "throw new RangeError('too far');",
  'fails once': "if (args.runtime.attempt === 1) throw new RangeError('too far');",
  prints: "console.log('one'); console.error('two');",
  'never ends': "fs.writeFileSync('begun', ''); for (;;) {}",
  exits: 'process.exit(3);',
  'is killed': "process.kill(process.pid, 'SIGKILL');",
  draws: "capture.metric('drawn', args.seeds.rng('s').float()); capture.data('root', process.env.ROOT);",
};

describeOperationHost('typescript', (behaviour) => ({
  code: body(`capture.metric('x', params.x); if (params.x === 1) { ${BODIES[behaviour]} }`),
}));

test('an operation of a kind that this version does not know is refused by name', async () => {
  const operation = { kind: 'fortran', ref: 'fit.f90#fit' } as never;
  expect(() => startHost('/store', operation)).toThrow(
    /fit\.f90#fit: operations of kind "fortran" are not known.*typescript/s,
  );
});
