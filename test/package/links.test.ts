import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/metalab.js';

test.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'])(
  'every file that %s names is there',
  (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, path]) => path!);
    const names = [...text.matchAll(/`((?:src|test|bench|examples|scripts|docker)\/[\w@./-]+)`/g)].map(
      ([, path]) => path!,
    );
    const missing = [...links, ...names].filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  },
);
