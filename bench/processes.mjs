import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
export const program = join(root, 'bin', 'metalab.js');

/** What the whole benchmark need not have: a part of scripts/setup.mjs. */
export const setUp = (part) =>
  execFileSync(process.execPath, [join(root, 'scripts', 'setup.mjs'), part], { stdio: 'inherit' });

/** Runs a program of this folder as a process of its own. @returns the seconds that it prints */
export const measureAlone = (name, ...args) =>
  Number(execFileSync(process.execPath, [join(root, 'bench', name), ...args.map(String)]));

/** @returns how many seconds a Node process took from start to end */
export function wallSeconds(args, cwd) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return (performance.now() - began) / 1000;
}

/** The same, while this process goes on. */
export async function wallSecondsBeside(args, cwd) {
  const began = performance.now();
  await promisify(execFile)(process.execPath, args, { cwd });
  return (performance.now() - began) / 1000;
}
