import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createShellTransport } from '../../src/transport/shell/shell-transport.js';
import { Scratch } from './ssh/scratch.js';

// Only root may mount what the gateway's processes see.
describe.runIf(process.getuid?.() === 0)('a file for which there is no room', () => {
  let scratch: Scratch;
  let disk: string;
  beforeEach(() => {
    scratch = new Scratch();
    disk = scratch.path('disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  });
  afterEach(async () => {
    execFileSync('umount', ['--lazy', disk]);
    await scratch.close();
  });

  it.each(['ssh', 'shell'])('is refused as that, and leaves nothing behind: %s', async (way) => {
    const transport = way === 'ssh' ? scratch.connect(await scratch.start()) : createShellTransport();
    const full = {
      code: 'METALAB_TRANSPORT_NO_SPACE',
      message: expect.stringMatching(/no space left on .*disk/),
      next: expect.stringContaining('env clean'),
    };
    await expect(transport.write(Buffer.alloc(2_000_000), `${disk}/folder/file`)).rejects.toMatchObject(full);
    expect(readdirSync(`${disk}/folder`)).toEqual([]);
    await transport.write(Buffer.alloc(500_000), `${disk}/folder/file`);
    expect(readdirSync(`${disk}/folder`)).toEqual(['file']);
    await transport.close();
  });
});
