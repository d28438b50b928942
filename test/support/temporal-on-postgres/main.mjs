// @ts-check
// By hand: npm run rig:temporal. Ctrl-C ends it.
import { startTemporalOnPostgres } from './start.mjs';

console.error('starting PostgreSQL and a Temporal server …');
const rig = await startTemporalOnPostgres();
console.error(
  `Temporal server, pid ${rig.pid}; PostgreSQL, pid ${rig.postgres.pid}; logs in ${rig.folder}; Ctrl-C ends them`,
);
console.log(`export TEMPORAL_ADDRESS=${rig.address}`);
const end = () => rig.stop().then(() => process.exit());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
setInterval(() => {}, 60_000);
