import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metalab, type SubmitLine, startMetalab, submitJson } from '../support/metalab.js';
import { EXPERIMENT_FILE, RUNS } from './experiment.js';
import { examine, type Findings, readUndisturbed, type Undisturbed } from './findings.js';
import { Follower } from './follower.js';
import { isWorker, MarkedProcesses } from './processes.js';
import { Saboteur } from './saboteur.js';
import { scheduleOf } from './schedule.js';
import type { SoakServer } from './server.js';

/** A sweep that is not done by then never will be. An undisturbed one takes ten seconds. */
const STUCK_MS = 240_000;
/** What was stopped may still write when it goes on. */
const LATE_WRITES_MS = 2_000;

export interface RoundReport extends Findings {
  readonly seconds: number;
  readonly faults: readonly string[];
  readonly complaints: readonly string[];
}

/** Where rounds are, and against which server. */
export interface Arena {
  /** The engine's state folder. */
  readonly home: string;
  readonly server: SoakServer;
}

/** The same sweep with nobody in its way. */
export async function undisturbed(arena: Arena, folder: string): Promise<Undisturbed> {
  const env = await prepare(arena, folder);
  const { code, stderr } = await metalab(['submit', 'soak.ts', '--slots', '2', '--json'], {
    cwd: folder,
    env,
  });
  if (code !== 0) throw new Error(`the undisturbed sweep ended with ${code}:\n${stderr}`);
  await stopAll(env);
  return readUndisturbed(join(folder, 'store'));
}

/** One round: a fresh store, a sweep, and the faults of the seed. */
export async function playRound(
  arena: Arena,
  folder: string,
  seed: number,
  expected: Undisturbed,
): Promise<RoundReport> {
  const began = performance.now();
  const env = await prepare(arena, folder);
  const schedule = scheduleOf(seed);
  const processes = new MarkedProcesses(`TMPDIR=${env.TMPDIR}`);
  const looking = setInterval(() => processes.look(), 500);
  let second: ReturnType<typeof startMetalab> | undefined;
  const secondWorker = async () => {
    if (second?.exitCode === null && second.signalCode === null) return;
    second = startMetalab(['worker', '--slots', '2'], { cwd: folder, env });
    while (second.exitCode === null && !second.stderrSoFar().includes('polls')) await sleep(50);
  };
  const follower = new Follower({ cwd: folder, env }, schedule);
  const saboteur = new Saboteur({ processes, server: arena.server, follower, secondWorker });
  const complaints: string[] = [];
  try {
    if (schedule.second_worker) void secondWorker();
    const faults = saboteur.carryOut(schedule.faults);
    const outcome = await within(STUCK_MS, follower.outcome);
    complaints.push(...complainOf(outcome));
    await saboteur.finish();
    await faults;
    await sleep(saboteur.done.includes('freeze') ? LATE_WRITES_MS : 0);
    const again = await submitJson(['soak.ts'], { cwd: folder, env });
    if (again.outcome?.reused !== RUNS)
      complaints.push(`submitted again, ${again.outcome?.reused} of ${RUNS} were reused\n${again.stderr}`);
  } catch (error) {
    complaints.push(String(error));
  }
  await saboteur.finish();
  follower.kill();
  for (const { pid } of processes.look().filter(isWorker)) process.kill(pid, 'SIGTERM');
  await second?.finished;
  await stopAll(env);
  await sleep(100);
  clearInterval(looking);
  // Who submits while the server is killed is told so. Not more often than that.
  const excuses = saboteur.done.filter((kind) => kind !== 'cli' && kind !== 'slot').length;
  if (follower.gaveUp.length > excuses) complaints.push(...follower.gaveUp);
  const survivors = processes.survivors().map(({ pid, command }) => `process ${pid} still runs: ${command}`);
  const findings = await examine(
    join(folder, 'store'),
    join(folder, 'executions'),
    expected,
    saboteur.slotsHit,
  );
  return {
    ...findings,
    leftBehind: [...findings.leftBehind, ...survivors, ...leftIn(env.TMPDIR!)],
    seconds: (performance.now() - began) / 1000,
    faults: saboteur.done,
    complaints: [...complaints, ...follower.complaints, ...saboteur.complaints],
  };
}

/** Everything that a round's processes write beside the store is below its folder, so that leftovers show. */
async function prepare({ home, server }: Arena, folder: string): Promise<NodeJS.ProcessEnv> {
  await mkdir(join(folder, 'tmp'), { recursive: true });
  await writeFile(join(folder, 'soak.ts'), EXPERIMENT_FILE);
  return {
    ...server.env,
    METALAB_HOME: home,
    METALAB_STORE: join(folder, 'store'),
    TMPDIR: join(folder, 'tmp'),
    SOAK_SECRET: 'xyzzy',
  };
}

async function stopAll(env: NodeJS.ProcessEnv): Promise<void> {
  const { code, stderr } = await metalab(['engine', 'stop'], { env });
  if (code !== 0) throw new Error(`engine stop ended with ${code}:\n${stderr}`);
}

function complainOf({ total, success, failed, cancelled }: SubmitLine): string[] {
  const right = total === RUNS && success === RUNS && failed === 0 && cancelled === 0;
  return right ? [] : [`the outcome counts ${success} of ${total}, ${failed} failed, ${cancelled} cancelled`];
}

const leftIn = (folder: string) =>
  readdirSync(folder).map((name) => `${name} is left in the temporary folder`);

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(ms, undefined, { signal: timeout.signal }).then(() => {
        throw new Error(`no outcome within ${ms / 1000} s`);
      }),
    ]);
  } finally {
    timeout.abort();
  }
}
