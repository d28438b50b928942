// dist/, whenever something that it is made from has changed.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { runCommand } from './run-command.mjs';
import { hasStamp, writeStamp } from './stamp.mjs';

const stamp = join(root, 'dist', '.stamp');

export const isDone = () => existsSync(join(root, 'dist', 'build-id')) && hasStamp(stamp, inputs());

export function run() {
  // Taken before: what changes while it builds is built again.
  const before = inputs();
  console.error('building metalab …');
  runCommand(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  writeStamp(stamp, before);
}

function inputs() {
  const files = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'scripts/build.mjs',
    'scripts/tsc.mjs',
    ...filesUnder('src'),
  ];
  return files.map((file) => {
    const found = statSync(join(root, file), { throwIfNoEntry: false });
    return `${file} ${found?.mtimeMs} ${found?.size}`;
  });
}

const filesUnder = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${name}`)
    .sort();
