// @ts-check
import { spawn } from 'node:child_process';

/**
 * @typedef {object} Finished
 * @property {number | null} code null where a signal ended it
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a command to its end, whatever it comes to.
 *
 * @param {readonly string[]} command
 * @param {{ readonly env: NodeJS.ProcessEnv, readonly cwd: string, readonly stdin?: string }} options
 * @returns {Promise<Finished>}
 */
export function run([program = '', ...args], { env, cwd, stdin = '' }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
    // It may end without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}
