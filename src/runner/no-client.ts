import { UsageError } from '../definition/errors.js';

// Scripts that submit may declare their operation too: slots import them, and must not submit again.

export const connect = () => refuse('connect');
export const run = () => refuse('run');

const refuse = (name: string) =>
  Promise.reject(
    new UsageError({
      code: 'METALAB_NO_CLIENT',
      what: `a slot that imported the operation came to a call of ${name}(), which only programs that submit can call`,
      expected:
        'a module that only declares, or one that submits only where it is the program that was started',
      next: 'move the operation into a file of its own',
    }),
  );
