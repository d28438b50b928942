import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HashedFile } from '../../../src/definition/declaration.js';
import { sha256 } from '../../../src/identity/fingerprint.js';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

describe('a file of the context that changes', () => {
  const setUp = (code: string, cases: number) => {
    start({ code, cases });
    const path = join(sweep.root, 'data.csv');
    writeFileSync(path, 'one');
    const stat = statSync(path);
    const file: HashedFile = {
      path,
      content_hash: sha256('one'),
      size_bytes: stat.size,
      mtime_ms: stat.mtimeMs,
      inode: stat.ino,
    };
    sweep.declare({ files: [file] });
    return path;
  };

  test('fails the runs from then on, naming it, without executing them', async () => {
    const path = setUp(
      body("fs.appendFileSync('executed', 'x'); if (params.x === 10) fs.writeFileSync('data.csv', 'two');"),
      50,
    );
    const report = await sweep.run();
    expect(report.next).toBe(50);
    const failed = sweep.records().filter(({ status }) => status === 'failed');
    expect(failed.map(({ index }) => index)).toEqual(expect.arrayContaining([10, 11, 49]));
    expect(failed[0]!.error).toMatchObject({ type: 'ContextChangedError' });
    expect(failed[0]!.error!.message).toContain(`${path} has changed`);
    expect(report).toMatchObject({ failed: failed.length, success: 50 - failed.length });
  });

  test('is noticed before the first run', async () => {
    const path = setUp(body("fs.appendFileSync('executed', 'x');"), 5);
    writeFileSync(path, 'two');
    expect(await sweep.run()).toMatchObject({ next: 5, failed: 5 });
    expect(existsSync(join(sweep.root, 'executed'))).toBe(false);
  });

  test('that is only touched changes nothing', async () => {
    const path = setUp(body(''), 5);
    utimesSync(path, 1, 1);
    expect(await sweep.run()).toMatchObject({ next: 5, success: 5 });
  });
});
