import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { lastErrorLines } from '../../engine/detached.js';
import { withLock } from '../../engine/lock.mjs';
import type { LocalFragment, Provision, ServicePlan } from '../plugin.js';
import { planFor } from '../plugins.js';
import type { ServiceHandle, ServiceSpec, ServiceStatus } from '../service.js';
import type {
  LogOptions,
  ServiceEnvironment,
  ServiceEnvironmentOptions,
  UpOptions,
} from '../service-environment.js';
import { ServiceError } from '../service-error.js';
import { boundLog } from './bound-log.js';
import { choosePort } from './choose-port.js';
import { followLog } from './follow-log.js';
import { isReady } from './readiness.js';
import { isProcessAlive, type ServiceRecord, ServiceRecords } from './records.js';
import { callOffStart, removeStart, startProcess } from './start-process.js';
import { killAll, stopProcess } from './stop-process.js';

/** The first start of a database takes seconds, on a busy machine many times that. A death is noticed at once. */
const READY_WITHIN_MS = 120_000;
/** One that was ready before answers at once, or hangs: then people want to know. A machine under load may take seconds. */
const ANSWERS_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 25;
/** How long an answer of a service counts, while its process is alive. */
const ANSWER_COUNTS_MS = 5_000;

const HOST = '127.0.0.1';

/** Runs services on this machine, as processes of sessions of their own. What it knows of them is in private files. */
export class LocalServices implements ServiceEnvironment {
  readonly #options: ServiceEnvironmentOptions;
  readonly #folder: string;
  readonly #records: ServiceRecords;
  /** When services last answered, by the id of their start. */
  readonly #answered = new Map<string, number>();

  constructor(options: ServiceEnvironmentOptions) {
    this.#options = options;
    this.#folder = join(options.folder, 'local');
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#records = new ServiceRecords(this.#folder);
  }

  up(specs: readonly ServiceSpec[], options: UpOptions): Promise<readonly ServiceHandle[]> {
    return this.#alone(async () => {
      const handles: ServiceHandle[] = [];
      for (const spec of specs) {
        options.signal.throwIfAborted();
        handles.push(await this.#ensure(spec, handles, options));
      }
      return handles;
    });
  }

  async inspect(): Promise<readonly ServiceHandle[]> {
    return Promise.all(this.#records.all().map((record) => this.#handleOf(record)));
  }

  async renew(): Promise<void> {
    for (const { log } of this.#records.all()) boundLog(log);
  }

  down(names: readonly string[], { onProgress }: UpOptions): Promise<void> {
    return this.#alone(async () => {
      const failures: Error[] = [];
      for (const name of names.toReversed()) {
        const record = this.#records.read(name);
        if (!record || record.ended) continue;
        onProgress(`stopping ${name} …`);
        await this.#end(record).catch((error: Error) => failures.push(error));
      }
      const [only, ...others] = failures;
      if (others.length > 0)
        throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
      if (only) throw only;
    });
  }

  async *logs(name: string, options: LogOptions): AsyncGenerator<Uint8Array, void> {
    const record = this.#records.read(name);
    if (record) yield* followLog(record.log, options);
  }

  async close(): Promise<void> {}

  /** One at a time, whatever process it is in. */
  #alone<T>(action: () => Promise<T>): Promise<T> {
    return withLock(join(this.#options.folder, 'local.lock'), action);
  }

  async #ensure(
    spec: ServiceSpec,
    started: readonly ServiceHandle[],
    options: UpOptions,
  ): Promise<ServiceHandle> {
    const before = this.#records.read(spec.name);
    if (before && isElsewhere(before)) throw elsewhere(before);
    if (before && isProcessAlive(before) && isDeepStrictEqual(before.spec, spec))
      return this.#untilReady(before, options);
    if (before && isProcessAlive(before)) {
      options.onProgress(`stopping ${spec.name}, whose configuration has changed …`);
      await this.#end(before);
    } else if (before) await this.#clean(before);
    options.onProgress(`starting ${spec.name} …`);
    return this.#untilReady(await this.#start(spec, before, started, options), options);
  }

  async #start(
    spec: ServiceSpec,
    before: ServiceRecord | undefined,
    started: readonly ServiceHandle[],
    { onProgress }: UpOptions,
  ): Promise<ServiceRecord> {
    const { name } = spec;
    const plan = await this.#plan(spec, before, started);
    for (const warning of plan.warnings ?? []) onProgress(`warning: ${warning}`);
    const { fragment, credentials, metadata, provides } = plan;
    const { readiness, health = readiness, log, stop } = fragment;
    const hasDied = before !== undefined && !before.ended && before.since !== null;
    const intent: ServiceRecord = {
      id: randomBytes(8).toString('hex'),
      ...{
        name,
        spec,
        host: hostname(),
        port: plan.port,
        readiness,
        health,
        log,
        stop,
        credentials,
        metadata,
        provides,
      },
      restarts: before && !before.ended ? before.restarts + (hasDied ? 1 : 0) : 0,
      process: null,
      since: null,
      ended: false,
    };
    // Written first: if this process is killed now, the next one calls the start off.
    this.#records.write(intent);
    if (before) removeStart(this.#folder, before.id);
    const process = await startProcess(fragment, {
      folder: this.#folder,
      id: intent.id,
      variables: this.#variables,
    });
    if (!process) throw this.#failed(intent, 'ended at once');
    const record = { ...intent, process };
    this.#records.write(record);
    return record;
  }

  async #plan(
    spec: ServiceSpec,
    before: ServiceRecord | undefined,
    started: readonly ServiceHandle[],
  ): Promise<ServicePlan<LocalFragment> & { readonly port: number }> {
    const { store, file_root, env, plugin } = this.#options;
    const planLocal = planFor({ name: spec.name, item: await plugin(spec.name) }, 'local');
    const taken = this.#records.all().flatMap(({ name, port }) => (name === spec.name ? [] : [port]));
    const port = await choosePort(spec, before?.port, taken);
    const [folder, private_folder] = ['data', 'private'].map((kind) => {
      const path = join(this.#options.folder, kind, spec.name);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return path;
    }) as [string, string];
    const provided: Provision[] = started.flatMap((handle) =>
      handle.provides.filter(({ kind }) => spec.consumes.includes(kind)).map((one) => ({ ...one, handle })),
    );
    return {
      ...(await planLocal(spec, {
        folder,
        private_folder,
        port,
        host: HOST,
        store,
        file_root,
        provided,
        env,
      })),
      port,
    };
  }

  /** Without what could be a secret of other services. */
  get #variables(): NodeJS.ProcessEnv {
    const { PGPASSWORD: _, ...variables } = this.#options.env;
    return variables;
  }

  async #untilReady(record: ServiceRecord, options: UpOptions): Promise<ServiceHandle> {
    const { signal, onProgress } = options;
    const within_ms = record.since === null ? READY_WITHIN_MS : ANSWERS_WITHIN_MS;
    let isTold = record.since === null;
    for (const end = performance.now() + within_ms; ; await sleep(LOOK_EVERY_MS, undefined, { signal })) {
      if (!isProcessAlive(record)) {
        await this.#clean(record);
        throw this.#failed(record, record.since === null ? 'ended while starting' : 'ended');
      }
      if (await isReady(checkOf(record))) break;
      if (performance.now() > end) throw this.#failed(record, ...silenceOf(record));
      if (!isTold)
        onProgress(`${record.name} runs, but does not answer: waiting ${within_ms / 1000} s for it …`);
      isTold = true;
    }
    // What answers may be another process that has the port, until this one notices and ends.
    if (!isProcessAlive(record)) return this.#untilReady(record, options);
    const ready = { ...record, since: record.since ?? new Date().toISOString() };
    if (record.since === null) this.#records.write(ready);
    this.#answered.set(record.id, performance.now());
    return this.#handleOf(ready);
  }

  async #end(record: ServiceRecord): Promise<void> {
    const found = record.process ?? callOffStart(this.#folder, record.id) ?? null;
    const left = await stopProcess({ ...record, process: found });
    if (left.length > 0)
      throw this.#failed(record, `could not be ended: pid ${left.join(', ')}`, `kill -9 ${left.join(' ')}`);
    removeStart(this.#folder, record.id);
    this.#records.write({ ...record, process: null, since: null, ended: true, restarts: 0 });
  }

  /** Ends what is left of a service whose first process has died, or was never noted. */
  async #clean(record: ServiceRecord): Promise<void> {
    const found = record.process ?? callOffStart(this.#folder, record.id) ?? null;
    const left = await killAll(record.id, found);
    if (left.length > 0)
      throw this.#failed(record, `has left processes that can't be ended: pid ${left.join(', ')}`);
  }

  async #handleOf(record: ServiceRecord): Promise<ServiceHandle> {
    const { name, port, credentials, process, since, restarts, log, metadata, provides } = record;
    const status = await this.#statusOf(record);
    const isAlive = status !== 'stopped';
    return {
      ...{ name, host: HOST, port, status, credentials, restarts, log, metadata, provides },
      process_id: isAlive ? process : null,
      since: isAlive ? since : null,
    };
  }

  async #statusOf(record: ServiceRecord): Promise<ServiceStatus> {
    if (record.ended) return 'stopped';
    if (isElsewhere(record)) return 'unknown';
    if (!isProcessAlive(record)) return 'stopped';
    if (record.since === null) return 'starting';
    const answered = this.#answered.get(record.id) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - answered < ANSWER_COUNTS_MS) return 'running';
    if (!(await isReady(checkOf(record)))) return isProcessAlive(record) ? 'unreachable' : 'stopped';
    this.#answered.set(record.id, performance.now());
    return 'running';
  }

  #failed({ name, log }: ServiceRecord, what: string, next?: string): ServiceError {
    return new ServiceError({
      service: name,
      what,
      log,
      tail: lastErrorLines(log),
      ...(next === undefined ? {} : { next }),
    });
  }
}

/** Records of earlier versions have no `health`. */
const checkOf = ({ since, readiness, health = readiness }: ServiceRecord) =>
  since === null ? readiness : health;

const silenceOf = ({ name, since }: ServiceRecord): [what: string, next?: string] =>
  since === null
    ? [`did not get ready within ${READY_WITHIN_MS / 1000} s`]
    : [
        `runs, but has not answered for ${ANSWERS_WITHIN_MS / 1000} s`,
        `\`metalab services restart ${name}\` ends it, if it has to by a kill, and starts it again with its data`,
      ];

/** Started on another machine that shares the home folder: nothing is known of its process from here. */
const isElsewhere = (record: ServiceRecord) =>
  process.platform === 'linux' && record.host !== hostname() && !record.ended;

const elsewhere = ({ name, host, log }: ServiceRecord) =>
  new ServiceError({
    service: name,
    what: `was started on ${host}, and can't be seen from here`,
    log,
    tail: '',
    next: `run \`metalab services down\` on ${host}, or give this machine a state folder of its own with METALAB_HOME`,
  });
