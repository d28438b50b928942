import { setTimeout as sleep } from 'node:timers/promises';
import { InfrastructureError } from '../../definition/errors.js';
import { holderOf, isFree } from '../../engine/server/ports.js';
import type { Transport, Tunnel } from '../../transport/transport.js';
import type { ServiceTarget } from './choose-targets.js';

export interface KeepTunnelsOptions {
  readonly transport: Transport;
  readonly targets: readonly ServiceTarget[];
  /** The port of this machine; for one target only. Default: free ones. */
  readonly port?: number;
  /** Where services are now; a service that is missing is down, or is about to move. */
  read(): readonly ServiceTarget[];
  /** Called when a tunnel has opened. */
  onOpen(target: ServiceTarget, tunnel: Tunnel): void;
  /** What goes on, for people. */
  onNote(note: string): void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Keeps tunnels to services open until the signal aborts. When a service has moved, its tunnel leads there; when the
 * connection to the gateway is lost, the next connection to the tunnel opens it again.
 *
 * @throws InfrastructureError METALAB_PORT that says who has the port; TransportError if the gateway can't be reached at
 *   first
 */
export async function keepTunnels(options: KeepTunnelsOptions): Promise<void> {
  const { transport, targets, port, signal } = options;
  if (port !== undefined && !(await isFree(port))) throw portTaken(port);
  // A person may be asked to log in: once, and now rather than by the first client.
  await transport.run(['true'], { signal });
  const kept: KeptTunnel[] = [];
  try {
    for (const target of targets) kept.push(await KeptTunnel.open(target, options));
    while (!signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
      const now = options.read();
      for (const tunnel of kept) tunnel.follow(now);
    }
  } finally {
    await Promise.all(kept.map((tunnel) => tunnel.close()));
  }
}

/** One service's tunnel, and what was last said of it. */
class KeptTunnel {
  readonly #tunnel: Tunnel;
  readonly #onNote: (note: string) => void;
  #target: ServiceTarget;
  #isDown = false;

  private constructor(tunnel: Tunnel, target: ServiceTarget, onNote: (note: string) => void) {
    this.#tunnel = tunnel;
    this.#target = target;
    this.#onNote = onNote;
  }

  static async open(
    target: ServiceTarget,
    { transport, port, onOpen, onNote, signal }: KeepTunnelsOptions,
  ): Promise<KeptTunnel> {
    let said = '';
    const onFailure = ({ message }: Error) => {
      if (message !== said) onNote(`${target.service}: ${message}`);
      said = message;
    };
    const tunnel = await transport.openTunnel(target, { onFailure, ...(port === undefined ? {} : { port }) });
    onOpen(target, tunnel);
    await tunnel.check(signal).catch(onFailure);
    return new KeptTunnel(tunnel, target, onNote);
  }

  /** @param targets where services are now */
  follow(targets: readonly ServiceTarget[]): void {
    const { service, host, port } = this.#target;
    const now = targets.find((target) => target.service === service);
    if (!now && !this.#isDown) this.#onNote(`${service} is not running: waiting until it is again`);
    else if (now && (now.host !== host || now.port !== port))
      this.#onNote(`${service} has moved: the tunnel leads to ${now.host}:${now.port}`);
    else if (now && this.#isDown) this.#onNote(`${service} runs again`);
    this.#isDown = !now;
    if (!now) return;
    this.#tunnel.retarget(now);
    this.#target = now;
  }

  close(): Promise<void> {
    return this.#tunnel.close();
  }
}

function portTaken(port: number): InfrastructureError {
  const holder = holderOf(port);
  return new InfrastructureError({
    code: 'METALAB_PORT',
    what: `port ${port} is in use${holder ? ` by ${holder}` : ''}`,
    expected: 'a free port of 127.0.0.1',
    next: 'choose another with --port, or leave it out: then a free one is taken',
  });
}
