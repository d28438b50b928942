import type { ServiceHandle } from './service.js';

/** Services that end when this one is restarted, with it first: those of one Slurm job begin and end together. */
export function restartedWith(name: string, handles: readonly ServiceHandle[]): readonly string[] {
  const job = jobOf(handles.find((handle) => handle.name === name));
  if (job === undefined) return [name];
  const others = handles.filter((handle) => handle.name !== name && jobOf(handle) === job);
  return [name, ...others.map((handle) => handle.name)];
}

/** The command that restarts a service, and what has to be restarted with it. */
export const restartCommand = (name: string, handles: readonly ServiceHandle[]): string =>
  restartedWith(name, handles).length > 1 ? 'metalab services restart' : `metalab services restart ${name}`;

const jobOf = (handle: ServiceHandle | undefined): string | undefined =>
  handle?.process_id && 'job' in handle.process_id ? handle.process_id.job : undefined;
