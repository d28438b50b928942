import { hostname, userInfo } from 'node:os';

/** Who made a request, shown to others later: `user@host`. */
export const requester = (): string => `${userName()}@${hostname()}`;

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no entry in passwd.
    return String(process.getuid?.() ?? 'somebody');
  }
}
