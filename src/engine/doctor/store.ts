import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { type Environment, stateFolder } from '../../access/own-folders.js';
import { openingsOf } from '../../access/private-folder.js';
import { formatEntry } from '../../access/strangers.js';
import { isTrustedStore } from '../../access/trusted-stores.js';
import { FINGERPRINT_SCHEME } from '../../definition/declaration.js';
import { formatBytes } from '../../definition/format-bytes.js';
import { MIB } from '../../definition/memory-size.js';
import type { Check, Examiner } from './check.js';
import { nearestFolder } from './nearest-folder.js';

const SKEW_MS = 5_000;

export const store: Examiner = {
  name: 'store',
  examine({ store, env }) {
    if (store === undefined) return [];
    const folder = resolve(store);
    return [...stateChecks(folder, env), spaceCheck(folder)];
  },
};

function stateChecks(folder: string, env: Environment): Check[] {
  const name = 'store';
  if (!existsSync(folder)) {
    const parent = nearestFolder(folder);
    if (isWritable(parent)) return [{ name, ok: true, detail: `${folder} (not created yet)` }];
    return [
      {
        name,
        ok: false,
        detail: `${folder} can't be created: ${parent} is not writable`,
        next: 'choose another --store',
      },
    ];
  }
  if (!isWritable(folder)) {
    return [
      {
        name,
        ok: false,
        detail: `${folder} is not writable`,
        next: 'fix its permissions, or choose another --store',
      },
    ];
  }
  return [...strangersCheck(folder, env), schemeCheck(folder), clockCheck(folder)];
}

/** Workers refuse files that strangers can change. */
function strangersCheck(folder: string, env: Environment): Check[] {
  const [opening] = openingsOf(folder);
  if (!opening || isTrustedStore(stateFolder(env), folder)) return [];
  const { path } = opening.entry;
  return [
    {
      name: 'store',
      ok: false,
      detail: `other users can change what would be executed from it: ${path} (${formatEntry(opening.entry)})`,
      next: `chmod go-w '${path}', or chmod g+ws if a group shares it on purpose, or metalab store trust --store '${folder}'`,
    },
  ];
}

function schemeCheck(folder: string): Check {
  const name = 'store';
  const file = join(folder, 'store.json');
  if (!existsSync(file)) return { name, ok: true, detail: `${folder} (no experiments yet)` };
  const scheme = readScheme(file);
  if (scheme === FINGERPRINT_SCHEME) return { name, ok: true, detail: `${folder}, scheme ${scheme}` };
  const next =
    Number(scheme) > FINGERPRINT_SCHEME
      ? 'install the metalab that made it, or a newer one'
      : `restore ${file} from a copy`;
  return {
    name,
    ok: false,
    detail: `${file} has scheme ${scheme ?? 'none'}, this metalab reads ${FINGERPRINT_SCHEME}`,
    next,
  };
}

/** The file server's clock determines the age of files, and this machine's the age of records. */
function clockCheck(folder: string): Check {
  const probe = join(folder, `.doctor-${process.pid}`);
  try {
    writeFileSync(probe, '', { flag: 'wx' });
    const skew = Math.round(statSync(probe).mtimeMs - Date.now());
    if (Math.abs(skew) <= SKEW_MS)
      return { name: "store's clock", ok: true, detail: 'agrees with this machine' };
    const next = 'synchronise both clocks (NTP)';
    return { name: "store's clock", ok: 'warn', detail: `differs from this machine's by ${skew} ms`, next };
  } finally {
    rmSync(probe, { force: true });
  }
}

function spaceCheck(folder: string): Check {
  const name = "store's disk";
  const { bavail, bsize } = statfsSync(nearestFolder(folder));
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free`;
  const next = 'make room, or choose another --store';
  if (free < 50 * MIB) return { name, ok: false, detail, next };
  return free < 1024 * MIB ? { name, ok: 'warn', detail, next } : { name, ok: true, detail };
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}

function readScheme(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).scheme;
  } catch {
    return undefined;
  }
}
