import type { ServicesRef, ServicesStatus } from '../../contract/services.js';

/** Markdown for the Temporal UI's "current details": the services, as a table. */
export function describeServices(
  { project, environment }: ServicesRef,
  { phase, handles, problem }: ServicesStatus,
): string {
  const rows = handles.map(
    ({ name, status, host, port, since, restarts, log }) =>
      `| ${name} | ${status} | ${host}:${port} | ${since ?? ''} | ${restarts} | ${log} |`,
  );
  return [
    `**services of ${project}, ${environment}**: ${phase}${problem ? ` (${problem.message})` : ''}`,
    ...(rows.length > 0
      ? ['', '| service | state | address | since | restarts | log |', '|---|---|---|---|---:|---|', ...rows]
      : []),
  ].join('\n');
}
