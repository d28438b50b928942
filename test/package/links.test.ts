import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/metalab.js';

const DECISIONS = 'docs/decisions';
const decisions = readdirSync(join(ROOT, DECISIONS)).map((name) => `${DECISIONS}/${name}`);

test.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...decisions])(
  'every file that %s names is there',
  (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, path]) =>
      join(dirname(page), path!),
    );
    const names = [...text.matchAll(/`((?:src|test|bench|examples|scripts|docker)\/[\w@./-]+)`/g)].map(
      ([, path]) => path!,
    );
    const missing = [...links, ...names].filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  },
);
