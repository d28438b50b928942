import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  parseSubmitAnswer,
  SUBMIT_SCRIPT,
  TAKE_BACK_SCRIPT,
  WITHDRAW_SCRIPT,
} from '../../../src/execution/slurm/job/submit-script.js';

let array: string;

beforeEach(() => {
  array = mkdtempSync(join(tmpdir(), "metalab array's "));
});
afterEach(() => rmSync(array, { recursive: true }));

const sh = (script: string, ...args: string[]) =>
  execFileSync('sh', ['-c', script, 'metalab', array, ...args], { encoding: 'utf8' }).trim();
const ask = (script: string) => parseSubmitAnswer(sh(script));

/** An attempt that took the right to submit and went away. */
function attempt(by: string): void {
  mkdirSync(join(array, 'submit'));
  writeFileSync(join(array, 'submit', 'by'), by);
}

test('of two that find the same attempt lost, the later leaves the one that followed it alone', () => {
  attempt(`${hostname()} 999999 1\n`);
  const answer = ask(SUBMIT_SCRIPT);
  expect(answer).toMatchObject({ kind: 'taken', alive: 'no', whose: `${hostname()} 999999 1` });
  const whose = answer?.kind === 'taken' ? answer.whose : '';
  expect(sh(TAKE_BACK_SCRIPT, whose)).toBe('taken');
  expect(existsSync(join(array, 'submit'))).toBe(false);
  attempt(`${hostname()} ${process.pid} 2\n`);
  expect(sh(TAKE_BACK_SCRIPT, whose)).not.toBe('begun');
  expect(readFileSync(join(array, 'submit', 'by'), 'utf8')).toContain(` ${process.pid} 2`);
});

test('the lock of an attempt that left no name is taken back, too', () => {
  mkdirSync(join(array, 'submit'));
  const answer = ask(SUBMIT_SCRIPT);
  expect(answer).toMatchObject({ kind: 'taken', alive: 'unknown' });
  sh(TAKE_BACK_SCRIPT, answer?.kind === 'taken' ? answer.whose : '');
  expect(existsSync(join(array, 'submit'))).toBe(false);
});

test('tasks that were seen at work tell the job of which nobody made a note', () => {
  attempt(`${hostname()} 999999 1\n`);
  mkdirSync(join(array, 'free'));
  expect(sh(TAKE_BACK_SCRIPT, `${hostname()} 999999 1`)).toBe('begun');
  mkdirSync(join(array, 'ended'));
  const end = { task: 0, job: '41', job_id: '42', fault: { code: 'TASK', message: 'no "job":"7"' } };
  writeFileSync(join(array, 'ended', '0.0.json'), `${JSON.stringify(end)}\n`);
  expect(sh(TAKE_BACK_SCRIPT, `${hostname()} 999999 1`)).toBe('job 41');
});

test('what was withdrawn is never submitted, and its tasks see that', () => {
  expect(ask(WITHDRAW_SCRIPT)).toEqual({ kind: 'withdrawn' });
  expect(existsSync(join(array, 'cancel'))).toBe(true);
  expect(ask(WITHDRAW_SCRIPT)).toEqual({ kind: 'withdrawn' });
  expect(ask(SUBMIT_SCRIPT)).toMatchObject({ kind: 'taken' });
});
