import { describe, expect, it } from 'vitest';
import type { SubmissionRequest } from '../../src/contract/workflow.js';
import { SubmissionQueue } from '../../src/workflows/submission-queue.js';
import { SubmissionState } from '../../src/workflows/submission-state.js';

const request = (
  submission: string,
  declaration: string,
  options: Partial<SubmissionRequest['options']> = {},
): SubmissionRequest => ({
  submission,
  declaration,
  options: { slots: null, keep_failed: false, fresh: false, ...options },
});
const current = (of: SubmissionRequest) => SubmissionState.begin(of, '2026-01-01T00:00:00.000Z');

describe('the queue of an experiment', () => {
  it('lets the same definition join the submission that runs', () => {
    const queue = new SubmissionQueue([]);
    expect(queue.enqueue(request('b', 'sha'), current(request('a', 'sha')))).toEqual({
      submission: 'a',
      joined: true,
    });
    expect(queue.requests).toEqual([]);
  });

  it('puts another definition behind it, and lets its twin join it there', () => {
    const queue = new SubmissionQueue([]);
    const running = current(request('a', 'sha'));
    expect(queue.enqueue(request('b', 'other'), running)).toEqual({
      submission: 'b',
      joined: false,
    });
    expect(queue.enqueue(request('c', 'other'), running)).toEqual({
      submission: 'b',
      joined: true,
    });
    expect(queue.requests.map(({ submission }) => submission)).toEqual(['b']);
  });

  it('answers a repeated enqueue as before, also after that submission ended', () => {
    const queue = new SubmissionQueue([]);
    const first = request('a', 'sha');
    expect(queue.enqueue(first, undefined)).toEqual({ submission: 'a', joined: false });
    expect(queue.enqueue(first, undefined)).toEqual({ submission: 'a', joined: false });
    queue.next();
    queue.finished(first);
    expect(queue.enqueue(first, undefined)).toEqual({ submission: 'a', joined: false });
    expect(queue.requests).toEqual([]);
  });

  it('never lets a fresh submission join: it asked for runs to be done again', () => {
    const queue = new SubmissionQueue([]);
    expect(queue.enqueue(request('b', 'sha', { fresh: true }), current(request('a', 'sha'))).joined).toBe(
      false,
    );
  });

  it('never lets one that repeats failed runs join one that keeps them', () => {
    const queue = new SubmissionQueue([]);
    expect(
      queue.enqueue(request('b', 'sha'), current(request('a', 'sha', { keep_failed: true }))).joined,
    ).toBe(false);
    expect(
      queue.enqueue(request('c', 'sha', { keep_failed: true }), current(request('a', 'sha'))).joined,
    ).toBe(true);
  });

  it('joins no retry of certain runs to anything, and nothing to what is being cancelled', () => {
    const running = current(request('a', 'sha'));
    const only = { failed: true, runs: [] };
    expect(new SubmissionQueue([]).enqueue(request('b', 'sha', { only }), running)).toMatchObject({
      submission: 'b',
      joined: false,
    });
    expect(
      new SubmissionQueue([request('b', 'sha', { only })]).enqueue(request('c', 'sha'), undefined),
    ).toMatchObject({
      submission: 'c',
      joined: false,
    });
    running.cancelled = 'wrong range';
    expect(new SubmissionQueue([]).enqueue(request('d', 'sha'), running)).toMatchObject({ joined: false });
  });

  it('refuses what is no submission, and more than a payload holds, but not what it has already', () => {
    const queue = new SubmissionQueue(Array.from({ length: 200 }, (_, i) => request(`s${i}`, `sha${i}`)));
    expect(queue.refusal(request('new', 'new'), undefined)).toMatch(/^200 submissions .* wait already/);
    expect(queue.refusal(request('s7', 'sha7'), undefined)).toBeUndefined();
    expect(queue.remove('s9')?.declaration).toBe('sha9');
    expect(queue.refusal(request('new', 'new'), undefined)).toBeUndefined();
    expect(queue.refusal({} as SubmissionRequest, undefined)).toMatch(/names itself/);
    const bytes = JSON.stringify(queue.requests).length;
    expect(bytes).toBeLessThan(64 * 1024);
  });
});
