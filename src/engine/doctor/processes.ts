import { existsSync } from 'node:fs';
import { stateFolder } from '../../access/own-folders.js';
import { DEFAULT_PORTS, holderOf, isFree } from '../server/ports.js';
import { runningServer } from '../server/server.js';
import { findTemporalCli } from '../server/temporal-cli.js';
import { isAlive, readServer, readWorkers } from '../state.js';
import { lockFolder } from '../state-folder.js';
import type { Check, Examiner } from './check.js';

export const temporalCli: Examiner = {
  name: 'temporal CLI',
  examine({ env }) {
    const cli = findTemporalCli(env);
    if (cli) return { name: 'temporal CLI', ok: true, detail: `${cli.path} (${cli.source})` };
    const next =
      'nothing, if the first submit can download it; else install it from https://docs.temporal.io/cli';
    const ok = env.TEMPORAL_ADDRESS ? true : 'warn';
    return {
      name: 'temporal CLI',
      ok,
      detail: 'not found in METALAB_TEMPORAL, on PATH or in the cache folder',
      next,
    };
  },
};

export const ports: Examiner = {
  name: 'ports',
  async examine({ env }) {
    if (runningServer(env)) return { name: 'ports', ok: true, detail: 'held by the engine' };
    const checks: Check[] = [];
    for (const [variable, usual] of [
      ['METALAB_PORT', DEFAULT_PORTS.port],
      ['METALAB_UI_PORT', DEFAULT_PORTS.ui_port],
    ] as const) {
      const port = Number(env[variable] || usual);
      if (await isFree(port)) continue;
      const detail = `${port} is in use by ${holderOf(port) ?? 'another process'}`;
      if (env[variable])
        checks.push({ name: 'ports', ok: false, detail, next: `choose another ${variable}, or unset it` });
      else checks.push({ name: 'ports', ok: true, detail: `${detail}: the engine will take a free one` });
    }
    return checks.length > 0 ? checks : { name: 'ports', ok: true, detail: 'free' };
  },
};

export const workers: Examiner = {
  name: 'workers',
  examine({ env, build }) {
    const alive = readWorkers(stateFolder(env)).filter(isAlive);
    if (alive.length === 0) return { name: 'workers', ok: true, detail: 'none; submit starts one' };
    return alive.map((state): Check => {
      const kind = state.background ? 'in the background' : 'in a terminal';
      const detail = `pid ${state.pid}, ${state.slots} slots, ${kind}, build ${state.build}`;
      if (build === undefined || state.build === build) return { name: 'workers', ok: true, detail };
      const next = state.background
        ? 'nothing: the next submit drains and replaces it'
        : 'restart it: the next submit will not use it';
      return { name: 'workers', ok: 'warn', detail: `${detail}, but this is build ${build}`, next };
    });
  },
};

export const stateFiles: Examiner = {
  name: 'state',
  examine({ env }) {
    const home = stateFolder(env);
    if (!existsSync(home)) return { name: 'state', ok: true, detail: `${home} (not created yet)` };
    const server = readServer(home);
    const stale = [
      ...(server && !isAlive(server) ? [`server, pid ${server.pid}`] : []),
      ...readWorkers(home).flatMap((state) => (isAlive(state) ? [] : [`worker, pid ${state.pid}`])),
      ...(existsSync(lockFolder(home))
        ? [`the lock ${lockFolder(home)}, unless something starts right now`]
        : []),
    ];
    if (stale.length === 0) return { name: 'state', ok: true, detail: home };
    const next = 'nothing: leftovers are recognised as such; `metalab engine stop` clears them';
    return { name: 'state', ok: 'warn', detail: `${home}: left over from ${stale.join('; ')}`, next };
  },
};
