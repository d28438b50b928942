import { expect, it } from 'vitest';
import type { ExperimentDeclaration } from '../../../../src/definition/declaration.js';
import type { JsonObject } from '../../../../src/definition/json.js';
import { Cells } from '../../../../src/identity/cells.js';
import { paramsFingerprint } from '../../../../src/identity/fingerprint.js';
import { RunCapture } from '../../../../src/operation/typescript/capture.js';
import { RecordLines } from '../../../../src/storage/file/formats/record-line.js';

const declarationOf = (cases: readonly JsonObject[], tags: readonly string[] = []) =>
  ({
    experiment_id: 'e:1',
    params: { kind: 'manual', cases },
    seeds: { base: 1, replicates: 1 },
    context_fingerprint: 'c'.repeat(32),
    operation: { code_fingerprint: 'd'.repeat(32) },
    tags,
  }) as unknown as ExperimentDeclaration;

const sink = { log: () => {} } as unknown as ConstructorParameters<typeof RunCapture>[1];

function lineOf(
  params: JsonObject,
  fill: (capture: RunCapture) => void,
  tags: readonly string[] = [],
): string {
  const declaration = declarationOf([params], tags);
  const capture = new RunCapture('r', sink);
  fill(capture);
  return new RecordLines(declaration, { host: 'h' }).line(new Cells(declaration).at(0, 0, 0), {
    status: 'success',
    attempt: 1,
    startedAt: 0,
    finishedAt: 1,
    durationMs: 1,
    error: null,
    capture,
  });
}

it.each([
  [{ a: 1, b: 'x"\\\n\u2028é😀', c: true, d: -0, e: 1e21, f: 5e-324 }],
  [{ b: 1, a: 2 }],
  [{ 10: 1, 9: 2 }],
  [{ nested: { z: 1, a: [1, null] } }],
  [{ none: null }],
  [{}],
])(
  'params are written as JSON.stringify writes them, and identified by their canonical form: %j',
  (params) => {
    const line = lineOf(params, () => {});
    expect(line).toContain(`"params":${JSON.stringify(params)},"metrics"`);
    expect(JSON.parse(line).params_fingerprint).toBe(paramsFingerprint(params));
  },
);

it('metrics are written as JSON.stringify writes them', () => {
  const metrics = { b: 1.5, a: -0, text: 'x"\n', flag: false, 3: 1e21, 'a "name"': 0 };
  const line = lineOf({}, (capture) => {
    capture.metrics(metrics);
    capture.metric('__proto__', 7);
  });
  expect(line).toContain(`"metrics":${JSON.stringify(metrics).slice(0, -1)},"__proto__":7},"started_at"`);
});

it('what a run captures beside metrics ends its record, tags of the experiment before its own', () => {
  const plain = JSON.parse(lineOf({}, () => {}, ['t', 't']));
  expect(plain).toMatchObject({ tags: ['t'], warnings: [], notes: [], artifacts: [] });
  const full = JSON.parse(
    lineOf(
      {},
      (capture) => {
        capture.tag('own', 't');
        capture.warn('careful');
        capture.note('note');
      },
      ['t'],
    ),
  );
  expect(full).toMatchObject({ tags: ['t', 'own'], warnings: ['careful'], notes: ['note'], artifacts: [] });
});
