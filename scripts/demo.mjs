// `npm run demo`: a real sweep in a minute. Submits examples/pi-mc, shows its results, and says what still runs.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function metalab(args, options = {}) {
  const { status, signal, stdout } = spawnSync(process.execPath, [join(root, 'bin', 'metalab.js'), ...args], {
    cwd: root,
    stdio: options.read ? ['inherit', 'pipe', 'inherit'] : 'inherit',
    encoding: 'utf8',
  });
  if (status !== 0) process.exit(signal ? 1 : (status ?? 1));
  return stdout;
}

const say = (line = '') => console.log(line);

say('$ metalab submit examples/pi-mc/experiment.ts');
metalab(['submit', 'examples/pi-mc/experiment.ts']);
say();
say('$ metalab results pi_mc --group-by samples');
metalab(['results', 'pi_mc', '--group-by', 'samples']);
say();

const { server, workers } = JSON.parse(metalab(['engine', 'status', '--json'], { read: true }));
if (server) {
  say(`Temporal UI: ${server.ui_address}`);
  say(`store:       ${process.env.METALAB_STORE || join(root, 'experiments')}`);
  const pids = workers.map(({ pid }) => pid).join(', ');
  say(`still running in the background: the Temporal server (pid ${server.pid}) and a worker (pid ${pids})`);
  say('stop them with: npx metalab engine stop');
} else {
  say(`store:       ${process.env.METALAB_STORE || join(root, 'experiments')}`);
  say(
    `still running in the background: a worker for your Temporal server at ${process.env.TEMPORAL_ADDRESS ?? 'its address'}`,
  );
  say('stop it with: npx metalab engine stop');
}
say('run the demo again: everything is reused, nothing is executed.');
