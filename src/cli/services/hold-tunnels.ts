import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import { readBundle, type ServicesBundle } from '../../services/bundle.js';
import { gatewayOf } from '../../services/gateway-of.js';
import { locationAt } from '../../services/location-at.js';
import { folderOf, type ServicesPlace } from '../../services/place.js';
import type { ServiceTarget } from '../../services/tunnels/choose-targets.js';
import { keepTunnels } from '../../services/tunnels/keep-tunnels.js';
import { openTransport } from '../../transport/open.js';
import type { Tunnel } from '../../transport/transport.js';
import type { CommandContext } from '../command.js';
import { EXIT } from '../format/report-error.js';
import { createTerminalPrompter } from '../terminal/terminal-prompter.js';

export interface HeldTunnels {
  readonly place: ServicesPlace;
  readonly environment: ResolvedEnvironment;
  readonly targets: readonly ServiceTarget[];
  /** For one target only. Default: free ones. */
  readonly port: number | undefined;
}

/**
 * Keeps tunnels open until Ctrl-C, and prints what they lead to. Throws as {@link keepTunnels}.
 *
 * @returns the exit code
 */
export async function holdTunnels(
  { place, environment, targets, port }: HeldTunnels,
  context: CommandContext,
): Promise<number> {
  const gateway = gatewayOf(environment);
  const transport = await openTransport(
    { name: environment.name, ...(gateway && { gateway }) },
    createTerminalPrompter(),
  );
  const read = () => readBundle(folderOf(place));
  try {
    await keepTunnels({
      transport,
      targets,
      ...(port === undefined ? {} : { port }),
      read: () => read()?.tunnels ?? [],
      onOpen: (target, tunnel) => print(target, tunnel, transport.place, read(), context),
      onNote: context.note,
      signal: context.interrupted,
    });
    return EXIT.detached;
  } catch (error) {
    if (context.interrupted.aborted) return EXIT.detached;
    throw error;
  } finally {
    await transport.close();
  }
}

function print(
  { service, host, port }: ServiceTarget,
  tunnel: Tunnel,
  gateway: string,
  bundle: ServicesBundle | undefined,
  { out }: CommandContext,
): void {
  out(`${service} at ${tunnel.host}:${tunnel.port} (${host}:${port} through ${gateway})`);
  const { provides = [], metadata = {} } = bundle?.handles.find(({ name }) => name === service) ?? {};
  if (metadata.url !== undefined) out(`  url: ${locationAt(metadata.url, tunnel)}`);
  for (const { kind, value } of provides) out(`  ${kind}: ${locationAt(value, tunnel)}`);
}
