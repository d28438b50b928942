import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveHops } from '../../../src/transport/ssh/resolve-hops.js';
import type { SshSettings } from '../../../src/transport/ssh/settings.js';

describe('the way to a gateway', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "metalab home's "));
    mkdirSync(join(home, '.ssh', 'config.d'), { recursive: true });
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const write = (text: string, name = 'config') => writeFileSync(join(home, '.ssh', name), text);
  const way = (settings: SshSettings, env = {}) => resolveHops(settings, { env: { HOME: home, ...env } });

  it('is what ~/.ssh/config says of an alias, its first value winning', () => {
    write(`Host gw other
  hostname gw.example.org
  User ada
  PORT=2222
  IdentityFile "~/my key"
  IdentityFile %d/.ssh/%h_%r
  IdentityAgent \${AGENT}
  HostKeyAlias the-gw
  UserKnownHostsFile ~/known one
Host *
  User nobody
  IdentityFile /all
`);
    expect(way({ host: 'gw' }, { AGENT: '/run/agent' })).toMatchObject([
      {
        host: 'gw.example.org',
        user: 'ada',
        port: 2222,
        identityFiles: [join(home, 'my key'), join(home, '.ssh', 'gw.example.org_ada'), '/all'],
        agent: '/run/agent',
        knownAs: 'the-gw',
        knownHostsFiles: [join(home, 'known'), join(home, 'one'), expect.any(String), expect.any(String)],
      },
    ]);
  });

  it('is what the environment says, over that', () => {
    write('Host gw\n  User ada\n  Port 22\n  ProxyJump first\n  IdentityFile ~/theirs\n');
    const [jump, gateway] = way({
      host: 'gw',
      user: 'me',
      port: 7,
      ssh_key: '~/mine',
      jump: ['you@second:8'],
    });
    expect(jump).toMatchObject({ host: 'second', user: 'you', port: 8 });
    expect(gateway).toMatchObject({
      user: 'me',
      port: 7,
      identityFiles: [join(home, 'mine'), join(home, 'theirs')],
    });
  });

  it('takes included files in their places, those of a section only where it applies', () => {
    write('Include config.d/*.conf\nHost inner\n  Include inside\n  Port 3\nHost *\n  Port 4\n');
    write('Host gw\n  Port 1\n', 'config.d/a.conf');
    write('User included\n', 'config.d/b.conf');
    write('Port 9\nHost gw\n  HostName wrong\n', 'config.d/ignored');
    write('Port 2\nHost gw\n  HostName wrong\n', 'inside');
    expect(way({ host: 'gw' })).toMatchObject([{ host: 'gw', port: 1, user: 'included' }]);
    expect(way({ host: 'inner' })).toMatchObject([{ port: 2 }]);
    expect(way({ host: 'other' })).toMatchObject([{ port: 4 }]);
  });

  it('leads through several jumps, the first with its own', () => {
    write(`Host gw
  ProxyJump b,c:33
Host b
  ProxyJump a
Host c
  ProxyJump nowhere
Host a
  HostName a.example.org
Host none
  ProxyJump none
`);
    expect(way({ host: 'gw' }).map(({ host, port }) => `${host}:${port}`)).toEqual([
      'a.example.org:22',
      'b:22',
      'c:33',
      'gw:22',
    ]);
    expect(way({ host: 'none' })).toHaveLength(1);
    expect(way({ host: 'x', jump: ['[::1]:2'] })[0]).toMatchObject({ host: '::1', port: 2 });
  });

  it('refuses what it can not follow', () => {
    const refused = (text: string, message: RegExp) => {
      write(text);
      expect(() => way({ host: 'gw' })).toThrow(
        expect.objectContaining({
          code: 'METALAB_TRANSPORT_CONFIG',
          message: expect.stringMatching(message),
        }),
      );
    };
    refused('Host gw\n  ProxyCommand nc %h %p\n', /gw: ProxyCommand[\s\S]*expected: a ProxyJump/);
    refused('Host gw\n  ProxyJump gw\n', /more than 8 jumps/);
    refused('Include config\n', /include each other/);
    refused('Host "gw\n', /config: can't be read/);
    refused('Host gw\n  Port many\n', /Port many is no port/);
  });

  it('reads the file that METALAB_SSH_CONFIG names, and runs nothing of it', () => {
    write(`Match exec "touch '${join(home, 'ran')}'"\n  Port 5\nHost *\n  Port 6\n`, 'mine');
    expect(way({ host: 'gw' }, { METALAB_SSH_CONFIG: join(home, '.ssh', 'mine') })).toMatchObject([
      { port: 6 },
    ]);
    expect(() => rmSync(join(home, 'ran'))).toThrow();
  });
});
