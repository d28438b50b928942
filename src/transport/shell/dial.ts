import { once } from 'node:events';
import { connect } from 'node:net';
import { HERE } from '../local-file.js';
import { connectTarget, type Dial } from '../tunnel.js';

/** Connects from this machine. */
export const dial: Dial = (target, signal) =>
  connectTarget(HERE, target, signal, async (limited) => {
    const socket = connect({ ...target, noDelay: true, allowHalfOpen: true });
    try {
      await once(socket, 'connect', { signal: limited });
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  });
