import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { untilAborted } from '../time-limit.js';
import type { TunnelTarget } from '../transport.js';
import { TransportError } from '../transport-error.js';
import { connectTarget } from '../tunnel.js';
import type { Session } from './session.js';

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, section 5.1). */
const PROHIBITED = 1;

/** Connects from a gateway, by a channel of its connection. sshd's MaxSessions does not count these channels. */
export function dial(session: Session, target: TunnelTarget, signal: AbortSignal): Promise<Duplex> {
  return connectTarget(session.place, target, signal, async (limited) => {
    const opening = session.request<ClientChannel>((client, done) =>
      client.forwardOut('127.0.0.1', 0, target.host, target.port, (error, channel) => {
        if (error) return done(error, undefined as never);
        // Now: its end may be in the same packet.
        cutOffWith(session, channel);
        done(undefined, channel);
      }),
    );
    try {
      return await untilAborted(opening, limited);
    } catch (error) {
      opening.then(
        (channel) => channel.destroy(),
        () => {},
      );
      throw (error as { reason?: unknown }).reason === PROHIBITED ? prohibited(session.place) : error;
    }
  });
}

/** ssh2 ends the channels of a lost connection as if the other side had. */
function cutOffWith(session: Session, channel: ClientChannel): void {
  const cutOff = () => channel.emit('error', session.ended.reason);
  session.ended.addEventListener('abort', cutOff);
  channel.once('close', () => session.ended.removeEventListener('abort', cutOff));
}

const prohibited = (place: string) =>
  new TransportError({
    code: 'METALAB_TRANSPORT_CONFIG',
    what: 'this gateway does not forward ports',
    where: place,
    expected: 'an sshd that forwards ports (AllowTcpForwarding and PermitOpen in its sshd_config)',
    next: 'ask its administrators, or run metalab on the cluster itself',
  });
