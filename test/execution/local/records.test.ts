import { describe, expect, test } from 'vitest';
import { paramsFingerprint, runId, seedFingerprint } from '../../../src/identity/fingerprint.js';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

describe('a record', () => {
  test('is one line, byte for byte what JSON.stringify writes', async () => {
    const code =
      body(`capture.metrics({ b: 0.1, a: -0, '2': 1e21, '1': 'ü\\n"', ok: true, ['__proto__']: 1 });
      capture.tag('t'); capture.warn('w"'); capture.note('n\\u2028'); capture.artifact('a', 'text', { metadata: { m: 1 } });
      if (params.x === 1) throw new Error('é');`);
    const params = {
      kind: 'manual',
      cases: [{ x: 0, 'k"': 'v\\', deep: { list: [1, null, true] } }, { x: 1 }],
      tags: ['case', 't'],
    } as const;
    await start({ code, cases: 2, declaration: { params, tags: ['sweep'] } as never }).run();
    for (const line of sweep.texts('records')) expect(line).toBe(JSON.stringify(JSON.parse(line)));
    expect(Object.keys(sweep.records()[0]!).join()).toBe(
      'run_id,experiment_id,status,generation,attempt,context_fingerprint,params_fingerprint,seed_fingerprint,code_fingerprint,' +
        'index,replicate,params,metrics,started_at,finished_at,duration_ms,provenance,error,tags,warnings,notes,artifacts',
    );
    expect(sweep.records()[0]).toMatchObject({
      tags: ['sweep', 'case', 't'],
      warnings: ['w"'],
      notes: ['n\u2028'],
    });
  });

  test('has the identity that planning gives the run', async () => {
    await start({ code: body(''), cases: 2, declaration: { seeds: { base: 7, replicates: 3 } } }).run();
    const record = sweep.records()[4]!;
    const { experiment_id, context_fingerprint: context, operation } = sweep.declaration;
    const params = paramsFingerprint({ x: 1 });
    const seed = seedFingerprint({ base: 7, replicate: 1 });
    expect(record).toMatchObject({
      index: 4,
      replicate: 1,
      params: { x: 1 },
      params_fingerprint: params,
      seed_fingerprint: seed,
    });
    expect(record.run_id).toBe(
      runId({ experiment_id, context, params, seed, code: operation.code_fingerprint }),
    );
  });

  test('says when, how long and where', async () => {
    const before = Date.now();
    await start({ code: body('await new Promise((done) => setTimeout(done, 30));', { async: true }) }).run();
    const { started_at, finished_at, duration_ms, provenance } = sweep.record();
    expect(Date.parse(started_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(finished_at) - Date.parse(started_at)).toBeGreaterThanOrEqual(28);
    expect(duration_ms).toBeGreaterThan(28);
    expect(started_at).toBe(new Date(started_at).toISOString());
    expect(provenance).toMatchObject({ executor: 'local', node: process.versions.node });
    expect(sweep.segments('records')[0]).toContain(provenance.slot as string);
  });

  test('keeps what was captured before a failure', async () => {
    await start({ code: body("capture.metric('early', 1); throw new Error('late');") }).run();
    expect(sweep.record()).toMatchObject({ status: 'failed', metrics: { early: 1 } });
  });

  test('reports the running means of its numeric metrics', async () => {
    const { means } = await start({
      code: body("capture.metric('x', params.x); capture.metric('s', 'text');"),
      cases: 5,
    }).run();
    expect(means).toEqual({ x: { n: 5, mean: 2, m2: 10 } });
  });
});
