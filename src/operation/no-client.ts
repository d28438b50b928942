import { UsageError } from '../definition/errors.js';

// A script that submits may also declare the operation. Slots import it, and must not submit again.

export const connect = () => refuse('connect');
export const run = () => refuse('run');

const refuse = (name: string) =>
  Promise.reject(
    new UsageError({
      code: 'METALAB_NO_CLIENT',
      what: `importing the operation in a slot called ${name}(), which only programs that submit can call`,
      expected: 'a module that only declares, or that submits only if it is the main program',
      next: 'move the operation into a file of its own',
    }),
  );
