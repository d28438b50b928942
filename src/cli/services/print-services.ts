import type { ServicesProblem } from '../../client/services/services-client.js';
import { formatDuration } from '../../definition/format-duration.js';
import type { ServicesBundle } from '../../services/bundle.js';
import { restartCommand } from '../../services/restart-together.js';
import type { ServiceHandle } from '../../services/service.js';
import type { CommandContext } from '../command.js';
import { printTable } from '../format/table.js';

/** Prints services as a table, and what else is known of them. */
export function printServices(
  { handles, store }: Pick<ServicesBundle, 'handles' | 'store'>,
  context: CommandContext,
): void {
  printTable(handles.map(row), context);
  for (const { name, status } of handles)
    if (status === 'unreachable')
      context.note(
        context.color.yellow(
          `${name} is alive, but does not answer; it may go on by itself, or \`${restartCommand(name, handles)}\` ends it and starts it again`,
        ),
      );
  if (store === null) return;
  // Where its password is kept, and its files are, is of no interest here.
  const [place] = store.split('?');
  context.note(context.color.dim(`store: ${place}   --store discover finds it`));
}

function row(handle: ServiceHandle) {
  const { name, status, host, port, since, restarts, log, metadata } = handle;
  const left_ms = jobLeft(handle);
  return {
    service: name,
    state: status,
    address: metadata.url ?? `${host}:${port}`,
    up: since === null ? '' : formatDuration(Math.max(0, Date.now() - Date.parse(since))),
    ...(left_ms === null ? {} : { 'job ends in': formatDuration(left_ms) }),
    restarts,
    log,
  };
}

/** How long its job may still run, milliseconds; null: it is in none, or that has not begun. */
function jobLeft({ process_id }: ServiceHandle): number | null {
  if (process_id === null || !('job' in process_id) || process_id.until === undefined) return null;
  return Math.max(0, Date.parse(process_id.until) - Date.now());
}

/** Services as data, for `--json`. */
export const servicesJson = ({ project, environment, handles, store, tunnels }: ServicesBundle) => ({
  ...{ project, environment, store, tunnels },
  services: handles.map((handle) => ({
    ...handle,
    uptime_ms: handle.since === null ? null : Math.max(0, Date.now() - Date.parse(handle.since)),
    job_remaining_ms: jobLeft(handle),
  })),
});

export const isHealthy = (handles: readonly ServiceHandle[]): boolean =>
  handles.length > 0 && handles.every(({ status }) => status === 'running');

/** Why a request failed: what is known, and what to do, or the log that explains it. */
export async function printProblem(
  { message, service, next }: ServicesProblem,
  readTail: (service: string) => Promise<string>,
  { note, color }: CommandContext,
): Promise<void> {
  note(`${color.red(color.bold('error:'))} ${message}`);
  if (next != null) return note(`  next: ${next}`);
  if (service === null) return;
  const tail = await readTail(service);
  if (tail !== '') note(`  the end of its log:\n${tail.replace(/^/gm, '    ')}`);
  note(`  next: mend what it says; \`metalab services logs ${service}\` shows all of it`);
}
