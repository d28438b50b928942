import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MarkedProcesses, send } from './processes.js';
import { type Arena, playRound, type RoundReport, undisturbed } from './round.js';
import { SERVERS, type SoakServer } from './server.js';

const USAGE = 'npm run soak -- [--rounds N] [--seed N] [--server dev|postgres]';
const KINDS = ['lost', 'doubled', 'failed', 'leftBehind', 'complaints'] as const;

/** Plays rounds, prints a line for each and one for all. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  const scratch = mkdtempSync(join(tmpdir(), 'metalab-soak-'));
  const home = join(scratch, 'home');
  for (const name of ['METALAB_STORE', 'TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_NAMESPACE'])
    delete process.env[name];
  const server = await SERVERS[options.server]!(home);
  endWithAll(scratch, server);
  try {
    const right = await playRounds(options, { home, server }, scratch);
    if (right) rmSync(scratch, { recursive: true, force: true });
    return right ? 0 : 1;
  } finally {
    await server.stop();
  }
}

async function playRounds({ rounds, seed, server }: Options, arena: Arena, scratch: string) {
  console.log(
    `soak: ${rounds} rounds from seed ${seed} on (${server}); again: ${again(rounds, seed, server)}`,
  );
  const expected = await undisturbed(arena, join(scratch, 'undisturbed'));
  const sum = { kills: 0, lost: 0, doubled: 0, failed: 0, leftBehind: 0, complaints: 0 };
  for (let round = 0; round < rounds; round++) {
    const folder = join(scratch, `round-${seed + round}`);
    const report = await playRound(arena, folder, seed + round, expected);
    sum.kills += report.faults.length;
    for (const kind of KINDS) sum[kind] += report[kind].length;
    print(round + 1, seed + round, report);
    if (isRight(report)) rmSync(folder, { recursive: true, force: true });
    else console.log(`  kept: ${folder}; again: ${again(1, seed + round, server)}`);
  }
  const { kills, lost, doubled, failed, leftBehind, complaints } = sum;
  console.log(
    `${rounds} rounds, ${kills} kills, ${lost} lost, ${doubled} doubled, ${failed} wrongly failed, ${leftBehind} left behind, ${complaints} other complaints`,
  );
  return lost + doubled + failed + leftBehind + complaints === 0;
}

/** Somebody ends the soak itself: what it started runs in the background, and would go on. */
function endWithAll(scratch: string, server: SoakServer): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      for (const { pid } of new MarkedProcesses(`TMPDIR=${scratch}`).look()) send(pid, 'SIGKILL');
      await server.stop();
      rmSync(scratch, { recursive: true, force: true });
      process.exit(130);
    });
  }
}

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly server: string;
}

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      server: { type: 'string', default: 'dev' },
    },
  });
  const rounds = Number(values.rounds);
  const seed = Number(values.seed);
  if (!Number.isInteger(rounds) || !Number.isInteger(seed) || !(values.server in SERVERS))
    throw new Error(`${args.join(' ')}: expected ${USAGE}`);
  return { rounds, seed, server: values.server };
}

function print(number: number, seed: number, report: RoundReport): void {
  const { seconds, faults, again, most } = report;
  const verdict = isRight(report) ? 'right' : 'WRONG';
  console.log(
    `round ${number}, seed ${seed}: ${seconds.toFixed(1)} s; ${faults.join(' ')}; ${again} executed again (at most ${most}): ${verdict}`,
  );
  for (const kind of KINDS) {
    for (const what of report[kind].slice(0, 10)) console.log(`  ${kind}: ${what}`);
    if (report[kind].length > 10) console.log(`  ${kind}: … and ${report[kind].length - 10} more`);
  }
}

const isRight = ({ lost, doubled, failed, leftBehind, complaints }: RoundReport) =>
  [lost, doubled, failed, leftBehind, complaints].every(({ length }) => length === 0);

const again = (rounds: number, seed: number, server: string) =>
  `npm run soak -- --rounds ${rounds} --seed ${seed}${server === 'dev' ? '' : ` --server ${server}`}`;
