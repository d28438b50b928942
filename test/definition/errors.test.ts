import { describe, expect, it } from 'vitest';
import {
  DefinitionError,
  describeError,
  InfrastructureError,
  MetalabError,
  StoreError,
  UsageError,
} from '../../src/definition/errors.js';

describe('a message', () => {
  it('says where and what, then what was expected and what to do next', () => {
    const error = new MetalabError({
      code: 'METALAB_EXAMPLE',
      where: 'experiment.ts:3',
      what: 'retries is -1',
      expected: 'a whole number from 0',
      next: 'write retries: 0',
    });
    expect(error.message).toBe(
      'experiment.ts:3: retries is -1\n  expected: a whole number from 0\n  next: write retries: 0',
    );
    expect(error).toMatchObject({
      code: 'METALAB_EXAMPLE',
      where: 'experiment.ts:3',
      next: 'write retries: 0',
    });
  });

  it('leaves out the parts that it does not have', () => {
    expect(new MetalabError({ code: 'METALAB_EXAMPLE', what: 'nothing is there' }).message).toBe(
      'nothing is there',
    );
  });

  it('lists all mistakes of one input, each with its own parts', () => {
    const error = new DefinitionError([
      { where: 'name', what: 'is empty', expected: 'letters' },
      { what: 'there are no cases', next: 'give the grid values' },
    ]);
    expect(error.message).toBe(
      '2 problems\n- name: is empty\n    expected: letters\n- there are no cases\n    next: give the grid values',
    );
    expect(error.problems).toHaveLength(2);
    expect(error.code).toBe('METALAB_DEFINITION');
  });

  it('is that of the mistake where there is only one', () => {
    const error = new DefinitionError([{ where: 'name', what: 'is empty' }], 'METALAB_NAME');
    expect([error.message, error.code, error.where]).toEqual(['name: is empty', 'METALAB_NAME', 'name']);
  });
});

describe('the family', () => {
  it.each([
    ['UsageError', UsageError],
    ['StoreError', StoreError],
    ['InfrastructureError', InfrastructureError],
  ])('%s has its name, its code and its cause', (name, Type) => {
    const cause = new Error('below');
    const error = new Type({ code: 'METALAB_EXAMPLE', what: 'it broke' }, { cause });
    expect(error).toBeInstanceOf(MetalabError);
    expect([error.name, error.code, error.cause]).toEqual([name, 'METALAB_EXAMPLE', cause]);
    expect(error.stack).toContain('it broke');
  });
});

describe('what was thrown', () => {
  it('is described by type, message and stack where it is an error', () => {
    const error = new TypeError('x is not a function');
    expect(describeError(error)).toEqual({
      type: 'TypeError',
      message: 'x is not a function',
      stack: error.stack,
    });
  });

  it.each<[unknown, string, string]>([
    ['just text', 'string', 'just text'],
    [404, 'number', '404'],
    [12n, 'bigint', '12'],
    [undefined, 'undefined', 'undefined'],
    [null, 'null', 'null'],
    [Symbol('sign'), 'symbol', 'Symbol(sign)'],
    [{ status: 503 }, 'object', '{"status":503}'],
  ])('is described though it is no error: %s', (thrown, type, message) => {
    expect(describeError(thrown)).toEqual({ type, message });
  });

  it('is described even where it can not be shown', () => {
    const circular: { self?: unknown } = Object.create(null);
    circular.self = circular;
    expect(describeError(circular)).toEqual({
      type: 'object',
      message: "a value of type object that can't be shown",
    });
  });
});
