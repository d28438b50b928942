import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../../definition/format-bytes.js';
import { GIB } from '../../definition/memory-size.js';
import { packageFolder } from '../build.js';
import type { Examiner } from './check.js';

export const node: Examiner = {
  name: 'node',
  examine() {
    const range: string = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')).engines
      .node;
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    // The range of package.json; tests compare the two.
    const ok = (major === 20 && minor >= 19) || major > 22 || (major === 22 && minor >= 12);
    const detail = `${process.version}, ${availableParallelism()} cores`;
    return ok ? { name: 'node', ok, detail } : { name: 'node', ok, detail, next: `install Node ${range}` };
  },
};

export const memory: Examiner = {
  name: 'memory',
  examine() {
    const free = Math.max(freemem(), availableMemory());
    const detail = `${formatBytes(free)} of ${formatBytes(totalmem())} free`;
    if (free >= GIB) return { name: 'memory', ok: true, detail };
    return {
      name: 'memory',
      ok: 'warn',
      detail,
      next: 'stop other programs that need memory, or run with fewer --slots',
    };
  },
};

export const clock: Examiner = {
  name: 'clock',
  examine() {
    const now = new Date();
    const detail = `${now.toISOString()} (UTC)`;
    if (now.getUTCFullYear() >= 2025) return { name: 'clock', ok: true, detail };
    const next = "set this machine's clock: TLS certificates and the order of records depend on it";
    return { name: 'clock', ok: false, detail, next };
  },
};

export const git: Examiner = {
  name: 'git',
  examine() {
    const { stdout, status } = spawnSync('git', ['--version'], { encoding: 'utf8' });
    if (status === 0) return { name: 'git', ok: true, detail: stdout.trim() };
    const next = 'install git: manifests then say which commit was run';
    return { name: 'git', ok: 'warn', detail: 'not on PATH', next };
  },
};

/** What the kernel could provide without swapping: free memory and reclaimable caches; 0 if unknown. */
function availableMemory(): number {
  try {
    return Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
