// What a bare one-thread loop takes to look through the same segments (a run_id and a status of each line), and to hash
// as many run_ids as metalab does. Run as a process of its own: `node bench/bare-scan.mjs RUNS FOLDER` prints its seconds.
import { hash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const [runs, folder] = [Number(process.argv[2]), process.argv[3]];
const digest = (text) => hash('sha256', text, 'hex').slice(0, 32);
const NEWLINE = 10;
const began = performance.now();
let found = 0;
const buffer = Buffer.allocUnsafe(1 << 20);
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (entry.isFile()) scan(join(entry.parentPath ?? entry.path, entry.name));
}
const shared = { code: digest('code'), context: digest('{}'), experiment_id: 'noop:1' };
const seed = digest('{"base":1,"replicate":0}');
for (let index = 0; index < runs; index++) {
  const params = digest(JSON.stringify({ x: Math.floor(index / 1000), y: index % 1000 }));
  if (digest(JSON.stringify({ ...shared, params, seed })) === '') throw new Error('no hash is empty');
}
if (found !== runs) throw new Error(`${found} of ${runs} records found in ${folder}`);
console.log((performance.now() - began) / 1000);

function scan(path) {
  const file = openSync(path, 'r');
  let kept = 0;
  for (;;) {
    const read = readSync(file, buffer, kept, buffer.length - kept, null);
    if (read === 0) break;
    const filled = kept + read;
    let start = 0;
    for (
      let end = buffer.indexOf(NEWLINE);
      end !== -1 && end < filled;
      end = buffer.indexOf(NEWLINE, start)
    ) {
      const head = buffer.latin1Slice(start, start + 200);
      const status = head.indexOf('"status":"', 60) + 10;
      if (head.slice(11, 43).length === 32 && head.startsWith('success', status)) found++;
      start = end + 1;
    }
    buffer.copyWithin(0, start, filled);
    kept = filled - start;
  }
  closeSync(file);
}
