import { measureTunnel } from './tunnel.mjs';

/** What services cost. */
export async function measureServices(_lab, scratch, report) {
  await measureTunnel(scratch, report);
}
