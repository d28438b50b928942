import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterRetry } from '../../../src/execution/slurm/cluster-retry.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import { TransportError } from '../../../src/transport/transport-error.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Fault = ConstructorParameters<typeof TransportError>[0]['code'];

/** A command that fails so until it is mended; what was told, and whether somebody has to do something. */
function askInVain(code: Fault, options: { readonly within_ms?: number } = {}) {
  const fault = { code: code as Fault | undefined };
  const told: (readonly [waits: boolean, stuck: boolean])[] = [];
  const retry = new ClusterRetry(createShellTransport(), {
    ...options,
    onWaits: (waits, stuck) => told.push([waits !== null, stuck]),
  });
  const answer = retry.until(async () => {
    if (fault.code) throw new TransportError({ code: fault.code, what: 'nothing comes', next: 'wait' });
    return 'answer';
  });
  answer.catch(() => {});
  return { fault, told, answer, retry };
}

describe('a cluster that does not answer', () => {
  it('is reported after a while, needs no action, and does not stop those who follow the sweep', async () => {
    const { fault, told, answer, retry } = askInVain('METALAB_TRANSPORT_UNREACHABLE');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual([[true, false]]);
    expect(retry.stuck).toBe(false);
    fault.code = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await answer).toBe('answer');
    expect(told.at(-1)).toEqual([false, false]);
  });

  it('is reported at once where somebody has to log in', async () => {
    const { told, retry } = askInVain('METALAB_TRANSPORT_LOGIN');
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toEqual([[true, true]]);
    expect(retry.stuck).toBe(true);
    retry.close();
  });

  it('is given up where there is a limit', async () => {
    const { answer } = askInVain('METALAB_TRANSPORT_UNREACHABLE', { within_ms: 10_000 });
    await vi.advanceTimersByTimeAsync(15_000);
    await expect(answer).rejects.toMatchObject({ code: 'SILENT' });
  });
});
