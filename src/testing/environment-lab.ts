import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServicePlugin } from '../services/plugin.js';
import type { ServiceHandle } from '../services/service.js';
import type { ServiceEnvironment, UpOptions } from '../services/service-environment.js';
import { samplePlugin } from './sample-service.js';

/** A project's services in an environment, while a test runs. The files of the services must be visible on this machine. */
export interface EnvironmentPlace {
  /** Folders of this test alone that have all files of its services. They are in their command lines. */
  readonly folders: readonly string[];
  /** The environment, as one more process of this machine opens it. The test closes it. */
  open(plugin: (name: string) => Promise<ServicePlugin>): Promise<ServiceEnvironment>;
  /** Runs a command where the services run. @returns what it prints */
  run(command: readonly string[]): Promise<string>;
  /** Commands whose output others can see too, e.g. a scheduler's. Those of all processes are looked at in any case. */
  readonly visible?: readonly (readonly string[])[];
  /** Ends what holds a service, as a crash does, or an administrator. */
  kill(handle: ServiceHandle): Promise<void>;
  /** Has the place not answer, whatever runs there. @returns what has it answer again */
  silence(): Promise<() => Promise<void>>;
  /** Ends all that runs there, and removes its folders. */
  remove(): Promise<void>;
}

/** For what a busy machine or scheduler does some time. */
const PATIENCE_MS = 150_000;
const LOOK_MS = 100;

/** A place, and all that a test has opened there. */
export class Lab {
  readonly place: EnvironmentPlace;
  readonly progress: string[] = [];
  readonly #opened: ServiceEnvironment[] = [];

  constructor(place: EnvironmentPlace) {
    this.place = place;
  }

  async open(): Promise<ServiceEnvironment> {
    const opened = await this.place.open(samplePlugin);
    this.#opened.push(opened);
    return opened;
  }

  options(signal: AbortSignal = new AbortController().signal): UpOptions {
    return { signal, onProgress: (line) => void this.progress.push(line) };
  }

  /** Command lines of its services' processes that have a text in them. */
  async processes(text = ''): Promise<string[]> {
    const lines = (await this.place.run(['ps', '-A', '-ww', '-o', 'stat=,args='])).split('\n');
    return lines.filter(
      (line) =>
        !line.startsWith('Z') &&
        line.includes(text) &&
        this.place.folders.some((folder) => line.includes(folder)),
    );
  }

  async close(): Promise<void> {
    for (const each of this.#opened) await each.close();
    await this.place.remove();
  }
}

export const byName = (handles: readonly ServiceHandle[]) =>
  handles.toSorted((one, other) => (one.name < other.name ? -1 : 1));

export const look = async (services: ServiceEnvironment) => byName(await services.inspect());

export const statusOf = async (services: ServiceEnvironment, name: string) =>
  (await services.inspect()).find((service) => service.name === name)?.status;

/** A log's last lines; follows it until there is enough. */
export async function read(
  services: ServiceEnvironment,
  name: string,
  tail: number,
  isEnough?: (text: string) => boolean,
): Promise<string> {
  let text = '';
  const follow = isEnough !== undefined;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for await (const piece of services.logs(name, { tail, follow, signal })) {
    text += Buffer.from(piece).toString();
    if (isEnough?.(text)) break;
  }
  return text;
}

/** When a service ended by itself, as its log tells. Milliseconds since 1970. */
export async function endOf(services: ServiceEnvironment, name: string): Promise<number> {
  const text = await read(services, name, 99);
  const [, time] = /^ends (\d+)$/m.exec(text) ?? [];
  assert.ok(time, `${name} did not end by itself: ${text}`);
  return Number(time);
}

export async function until(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await isTrue()); await sleep(LOOK_MS))
    assert.ok(performance.now() < end, what);
}

export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
