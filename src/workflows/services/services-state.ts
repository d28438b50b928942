import type {
  EndedRequest,
  FailedService,
  ServicesPhase,
  ServicesProblem,
  ServicesReply,
  ServicesRequest,
  ServicesStatus,
} from '../../contract/services.js';
import type { ServiceHandle } from '../../services/service.js';

/** A service that dies so often in a row is not started again. */
const MAX_DEATHS = 5;
/** Before it is started again after its first death; each further pause is three times as long. Milliseconds. */
const FIRST_PAUSE_MS = 500;
const PAUSE_FACTOR = 3;
/** Deaths are in a row if the service ran for less than this between them. */
const HEALTHY_MS = 60_000;
const ENDED_KEPT = 10;

/** Deaths of a service in a row, and when the last one was noticed. */
interface Deaths {
  readonly count: number;
  readonly at_ms: number;
}

/** What continue-as-new carries over. */
export interface ServicesSnapshot {
  readonly waiting: readonly ServicesRequest[];
  readonly order: ServicesRequest | null;
  readonly handles: readonly ServiceHandle[];
  readonly deaths: { readonly [service: string]: Deaths };
  readonly ended: readonly EndedRequest[];
}

/** What a services' workflow knows, without Temporal. */
export class ServicesState {
  #waiting: ServicesRequest[];
  /** The request that is being carried out. */
  #current: ServicesRequest | undefined;
  /** The last `up` that succeeded: dead services are started by it. */
  #order: ServicesRequest | null;
  #handles: readonly ServiceHandle[];
  readonly #deaths: Map<string, Deaths>;
  #ended: readonly EndedRequest[];

  constructor(snapshot?: ServicesSnapshot) {
    this.#waiting = [...(snapshot?.waiting ?? [])];
    this.#order = snapshot?.order ?? null;
    this.#handles = snapshot?.handles ?? [];
    this.#deaths = new Map(Object.entries(snapshot?.deaths ?? {}));
    this.#ended = snapshot?.ended ?? [];
  }

  snapshot(): ServicesSnapshot {
    return {
      waiting: this.#waiting,
      order: this.#order,
      handles: this.#handles,
      deaths: Object.fromEntries(this.#deaths),
      ended: this.#ended,
    };
  }

  get order(): ServicesRequest | null {
    return this.#order;
  }

  get handles(): readonly ServiceHandle[] {
    return this.#handles;
  }

  get hasRequests(): boolean {
    return this.#waiting.length > 0;
  }

  get phase(): ServicesPhase {
    if (this.#current?.update === 'down') return 'stopping';
    if (this.#current || this.hasRequests) return 'starting';
    return this.#order ? 'running' : 'down';
  }

  /** Why a request can't be done; undefined if it can. */
  refusal({ update, request }: ServicesRequest): string | undefined {
    if (update !== 'restart') return undefined;
    const known = this.#handles.map(({ name }) => name);
    if (!this.#order) return 'no services run';
    const unknown = request.services?.find((name) => !known.includes(name));
    return unknown === undefined
      ? undefined
      : `there is no service '${unknown}': there are ${known.join(', ')}`;
  }

  /** Puts a request behind those that wait. The same `up` as the last one joins it; a `down` overtakes all. */
  accept(asked: ServicesRequest): ServicesReply {
    const last = this.#waiting.at(-1) ?? this.#current;
    if (asked.update === 'up' && last?.update === 'up' && last.request.order === asked.request.order)
      return { id: last.request.id };
    if (asked.update === 'down' && last?.update === 'down') return { id: last.request.id };
    if (asked.update === 'down')
      for (const { request } of this.#waiting.splice(0)) this.#end(request.id, OVERTAKEN);
    this.#waiting.push(asked);
    return { id: asked.request.id };
  }

  /** Takes the next request. */
  next(): ServicesRequest | undefined {
    this.#current = this.#waiting.shift();
    return this.#current;
  }

  /** The current request was carried out. */
  finished(handles: readonly ServiceHandle[]): void {
    const { update, request } = this.#current!;
    if (update === 'up') this.#order = this.#current!;
    if (update === 'down') this.#order = null;
    this.#handles = handles;
    this.#deaths.clear();
    this.#end(request.id, null);
  }

  /** It failed: what ran before may still run. */
  failed(message: string, failure: FailedService | undefined): void {
    const { request } = this.#current!;
    if (failure) this.#handles = failure.handles;
    this.#end(request.id, { message, service: failure?.service ?? null, next: failure?.next ?? null });
  }

  /** A `down` came meanwhile. */
  overtaken(): void {
    this.#end(this.#current!.request.id, OVERTAKEN);
  }

  /** What a look found; it may be that services have died. */
  look(handles: readonly ServiceHandle[], now: number): void {
    for (const handle of handles) {
      const before = this.#handles.find(({ name }) => name === handle.name);
      if (handle.status === 'stopped' && before?.status !== 'stopped') this.#died(handle.name, before, now);
    }
    this.#handles = handles;
  }

  /** An attempt to start dead services again: they live, or at least one has died once more. */
  startedAgain(handles: readonly ServiceHandle[], now: number): void {
    const dead = this.#dead;
    this.#handles = handles;
    for (const name of dead)
      if (handles.find((handle) => handle.name === name)?.status === 'stopped')
        this.#died(name, undefined, now);
  }

  /** How long to wait before dead services are started again, milliseconds; undefined: none is to be. */
  pauseMs(now: number): number | undefined {
    const pauses = this.#dead
      .map((name) => this.#deaths.get(name) ?? { count: 1, at_ms: now })
      .filter(({ count }) => count < MAX_DEATHS)
      .map(({ count, at_ms }) => at_ms + FIRST_PAUSE_MS * PAUSE_FACTOR ** (count - 1) - now);
    return pauses.length === 0 ? undefined : Math.max(0, Math.min(...pauses));
  }

  status(): ServicesStatus {
    return { phase: this.phase, handles: this.#handles, ended: this.#ended, problem: this.#problem };
  }

  get #dead(): string[] {
    return this.#handles.filter(({ status }) => status === 'stopped').map(({ name }) => name);
  }

  get #problem(): ServicesProblem | null {
    if (!this.#order) return null;
    const givenUp = this.#dead.find((name) => (this.#deaths.get(name)?.count ?? 0) >= MAX_DEATHS);
    return givenUp === undefined
      ? null
      : {
          message: `${givenUp} died ${MAX_DEATHS} times in a row, and is not started again`,
          service: givenUp,
        };
  }

  #died(name: string, before: ServiceHandle | undefined, now: number): void {
    const { count } = this.#deaths.get(name) ?? { count: 0 };
    const wasHealthy = before?.since != null && now - Date.parse(before.since) >= HEALTHY_MS;
    this.#deaths.set(name, { count: wasHealthy ? 1 : count + 1, at_ms: now });
  }

  #end(id: string, problem: ServicesProblem | null): void {
    if (this.#current?.request.id === id) this.#current = undefined;
    this.#ended = [...this.#ended, { id, problem }].slice(-ENDED_KEPT);
  }
}

const OVERTAKEN: ServicesProblem = { message: '`metalab services down` ended them meanwhile', service: null };
