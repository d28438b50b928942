import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';

/** Refuses a Node that package.json's `engines` does not allow: later failures would not say why. */
export function checkNode(version = process.versions.node) {
  const range = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
  if (range.split('||').some((part) => allows(part.trim(), version))) return;
  throw new SetupError(
    `Node ${version} is too old or not supported\n  expected: ${range}\n  next: install a current one from https://nodejs.org, or with nvm: nvm install 22`,
  );
}

/** Of the ranges that npm knows, those two that package.json uses: ^1.2.3 and >=1.2.3. */
function allows(range, version) {
  const [, operator, wanted] = /^(\^|>=)(\d+\.\d+\.\d+)$/.exec(range) ?? [];
  if (!operator) throw new Error(`engines.node in package.json: ${range} is neither ^1.2.3 nor >=1.2.3`);
  const order = version.localeCompare(wanted, 'en', { numeric: true });
  return order >= 0 && (operator === '>=' || version.split('.')[0] === wanted.split('.')[0]);
}
