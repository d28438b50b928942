import { measureLocal } from './local.mjs';
import { measureTunnel } from './tunnel.mjs';

/** What services cost. */
export async function measureServices(_lab, scratch, report) {
  await measureLocal(scratch, report);
  await measureTunnel(scratch, report);
}
