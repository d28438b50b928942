import { expect, test } from 'vitest';
import { refuseSbatchOption } from '../../src/config/sbatch-options.js';

test.each([
  '--job-name=a',
  '--job=a',
  '-J a',
  '-Qa0-3',
  '--mem=4G',
  '--mem-per-cpu=1G',
  '--wait',
  '-W',
  '-M',
  '--clus=b',
])('%s is refused in extra_sbatch', (option) => expect(refuseSbatchOption(option)).toMatch(/--/));

test.each([
  '--nice=100',
  '--wait-all-nodes=1',
  '--time-min=5',
  '--mem-bind=local',
  '-H',
  '-d afterok:7',
  '--exclude=n3',
  '-xJupiter1',
  '-C avx',
  '--licenses=a',
  '--no-requeue',
  '--reservation=r',
  '--exclusive',
  '-L a',
  '--gres=gpu:1',
])('%s is allowed', (option) => expect(refuseSbatchOption(option)).toBeUndefined());
