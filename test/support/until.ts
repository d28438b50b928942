import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until something is so; what throws is not so yet. A check is repeated less often if it takes long, since
 * checking takes a twentieth of the time, and if the wait has been long. Between two checks is a second at most.
 *
 * @param seconds at most
 */
export async function until(isSo: () => boolean | Promise<boolean>, seconds = 300): Promise<void> {
  let thrown: unknown;
  const began = performance.now();
  for (const end = began + seconds * 1000; performance.now() < end; ) {
    const start = performance.now();
    try {
      if (await isSo()) return;
    } catch (error) {
      thrown = error;
    }
    const now = performance.now();
    await sleep(Math.min(1000, Math.max(20, 19 * (now - start), 0.03 * (now - began))));
  }
  throw new Error(`not within ${seconds} s: ${isSo}`, { cause: thrown });
}

interface Program {
  readonly exitCode: number | null;
  stderrSoFar(): string;
}

/** Waits until a program has printed a text to stderr. */
export async function untilSaid(program: Program, text: string, seconds = 300): Promise<void> {
  const hasSaid = () => program.stderrSoFar().includes(text);
  const wait = until(() => hasSaid() || program.exitCode !== null, seconds);
  await wait.catch(() => {});
  if (!hasSaid())
    throw new Error(`'${text}' was not printed (exit code ${program.exitCode}):\n${program.stderrSoFar()}`);
}
