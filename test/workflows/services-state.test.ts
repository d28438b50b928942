import { expect, test } from 'vitest';
import type { ServicesRequest } from '../../src/contract/services.js';
import type { ServiceHandle, ServiceStatus } from '../../src/services/service.js';
import { ServicesState } from '../../src/workflows/services/services-state.js';

const up = (id: string, order = 'a'): ServicesRequest => ({ update: 'up', request: { id, order } });
const down = (id: string): ServicesRequest => ({ update: 'down', request: { id } });

const kv = (status: ServiceStatus, since: string | null = '2026-01-01T00:00:00.000Z'): ServiceHandle => ({
  ...{ name: 'kv', host: '127.0.0.1', port: 1, status, credentials: null, process_id: null },
  ...{ since, restarts: 0, log: '/log', metadata: {}, provides: [] },
});
const START = Date.parse('2026-01-01T00:00:00.000Z');

function running(): ServicesState {
  const state = new ServicesState();
  state.accept(up('1'));
  state.next();
  state.finished([kv('running')]);
  return state;
}

test('the same up joins one that waits or is in progress; another one waits behind it', () => {
  const state = new ServicesState();
  expect([state.accept(up('1')), state.accept(up('2'))]).toEqual([{ id: '1' }, { id: '1' }]);
  state.next();
  expect(state.accept(up('3'))).toEqual({ id: '1' });
  expect(state.accept(up('4', 'b'))).toEqual({ id: '4' });
  expect(state.phase).toBe('starting');
});

test('a down overtakes waiting requests, which learn of it', () => {
  const state = new ServicesState();
  state.accept(up('1'));
  state.next();
  state.accept(up('2', 'b'));
  expect(state.accept(down('3'))).toEqual({ id: '3' });
  state.overtaken();
  expect(state.next()).toEqual(down('3'));
  expect(state.phase).toBe('stopping');
  state.finished([kv('stopped')]);
  expect(state.status()).toMatchObject({ phase: 'down', problem: null });
  expect(state.status().ended.map(({ id, problem }) => [id, problem === null])).toEqual([
    ['2', false],
    ['1', false],
    ['3', true],
  ]);
});

test('pauses before restarts grow, and the fifth death in a row is the last', () => {
  const state = running();
  const pauses: (number | undefined)[] = [];
  let now = START + 1000;
  for (let death = 1; death <= 5; death++) {
    state.look([kv('stopped', null)], now);
    const pause = state.pauseMs(now);
    pauses.push(pause);
    now += pause ?? 0;
    if (death < 5) state.startedAgain([kv('running', new Date(now).toISOString())], now);
  }
  expect(pauses).toEqual([500, 1500, 4500, 13_500, undefined]);
  expect(state.status().problem).toEqual({
    message: 'kv died 5 times in a row, and is not started again',
    service: 'kv',
  });
});

test('a failed start counts as a death; a service that ran for a minute counts from zero again', () => {
  const state = running();
  state.look([kv('stopped', null)], START + 1000);
  state.startedAgain([kv('stopped', null)], START + 2000);
  expect(state.pauseMs(START + 2000)).toBe(1500);
  state.startedAgain([kv('running', new Date(START + 3000).toISOString())], START + 3000);
  state.look([kv('stopped', null)], START + 63_000);
  expect(state.pauseMs(START + 63_000)).toBe(500);
});

test('what is unknown or does not answer is not taken for dead', () => {
  const state = running();
  for (const status of ['unknown', 'unreachable', 'starting'] as const) {
    state.look([kv(status)], START);
    expect(state.pauseMs(START)).toBeUndefined();
  }
});

test('a failed up leaves what ran before looked after, and restarts name services that there are', () => {
  const state = running();
  state.accept(up('2', 'b'));
  state.next();
  state.failed('kv ended while starting', { service: 'kv', handles: [kv('running')] });
  expect(state.status()).toMatchObject({ phase: 'running', ended: [{ id: '1' }, { id: '2' }] });
  const restart = (services: readonly string[] | null): ServicesRequest => ({
    update: 'restart',
    request: { id: '3', services },
  });
  expect(state.refusal(restart(['kw']))).toBe("there is no service 'kw': there are kv");
  expect(state.refusal(restart(null))).toBeUndefined();
  expect(new ServicesState().refusal(restart(null))).toBe('no services run');
});

test('continue-as-new carries everything over', () => {
  const state = running();
  state.look([kv('stopped', null)], START + 1000);
  state.accept(down('2'));
  const next = new ServicesState(JSON.parse(JSON.stringify(state.snapshot())));
  expect(next.status()).toEqual(state.status());
  expect(next.pauseMs(START + 1000)).toBe(500);
});
