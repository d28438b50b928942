import { describe, expect, it } from 'vitest';
import { forPreprocessing, Seeds } from '../../src/definition/seeds.js';
import { canonicalJson } from '../../src/identity/canonical.js';
import {
  contextFingerprint,
  fingerprint,
  makeRunIdentifier,
  paramsFingerprint,
  runId,
  seedFingerprint,
} from '../../src/identity/fingerprint.js';

// These numbers are in every store that metalab has ever written. A change here is a new fingerprint scheme.
const GOLDEN: readonly [value: unknown, text: string, fingerprint: string][] = [
  [null, 'null', '74234e98afe7498fb5daf1f36ac2d78a'],
  [true, 'true', 'b5bea41b6c623f7c09f1bf24dcae58eb'],
  [0, '0', '5feceb66ffc86f38d952786c6d696c79'],
  [-0, '0', '5feceb66ffc86f38d952786c6d696c79'],
  [1.5, '1.5', '9f29a130438b81170b92a42650f9a942'],
  [1e21, '1e+21', '241c4643fa70b1dcde1205b71be4e3be'],
  [1e-7, '1e-7', '5b33e02f2c5103a05d32f6ba9cb05829'],
  [5e-324, '5e-324', 'c46e7ca1be4c8734f373a56530787288'],
  [Number.MAX_VALUE, '1.7976931348623157e+308', 'c2784e1abd6317452708f3fbf9641c16'],
  [1000000000 / 3, '333333333.3333333', '6bd9be1c141028789cc35db62f1b43e8'],
  [0.1 + 0.2, '0.30000000000000004', '06bad31060c1212ae832de4c031f7b31'],
  ['text', '"text"', '1e1d0f251d3a76fa2b1bfc8116407857'],
  ['', '""', '12ae32cb1ec02d01eda3581b127c1fee'],
  ['é€😀', '"é€😀"', 'c99965c60975ed0c46a51eed45c4a810'],
  ['\u0000\u001f\n"\\/\u2028', '"\\u0000\\u001f\\n\\"\\\\/\u2028"', '365f06fdfa71d4283649d1f1c1e31580'],
  [[], '[]', '4f53cda18c2baa0c0354bb5f9a3ecbe5'],
  [{}, '{}', '44136fa355b3678a1146ad16f7e8649e'],
  [[1, [2, { a: null }]], '[1,[2,{"a":null}]]', '83915d319195ab416afb3d2293b61ec6'],
  [{ b: 1, a: { d: [], c: {} } }, '{"a":{"c":{},"d":[]},"b":1}', 'a1f0acae8ef5861541b509e596aaddd2'],
  // RFC 8785, 3.2.3: keys are sorted by UTF-16 code units, so that a smiley comes before U+FB33.
  [
    { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 },
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    '0d922ac8e15a6d17d5d50fab064983e8',
  ],
  [JSON.parse('{"__proto__":1}'), '{"__proto__":1}', '5a01b4879e11f6261f39c2f190ffde6e'],
];

describe('golden fingerprints', () => {
  it.each(GOLDEN)('%j', (value, text, expected) => {
    expect(canonicalJson(value)).toBe(text);
    expect(fingerprint(value)).toBe(expected);
  });

  it('a run: its params, seeds, context, and its id', () => {
    const context = contextFingerprint({});
    const params = paramsFingerprint({ samples: 100_000 });
    const seed = seedFingerprint({ base: 42, replicate: 0 });
    const code = '0'.repeat(32);
    expect(params).toBe('32aa36eabd4edc9159183a74182f7974');
    expect(seed).toBe('068b41cde6514f0dd8e4b2e3a3f9815a');
    expect(seedFingerprint({ base: 42, replicate: 9 })).toBe('8034de21b9b41ae7eb0a56197eb2a5ea');
    expect(context).toBe('44136fa355b3678a1146ad16f7e8649e');
    expect(runId({ experiment_id: 'pi_mc:0.1', context, params, seed, code })).toBe(
      'e020761436f78173624eacc96660cd46',
    );
  });

  it('the run identifier gives the same ids as runId, also for names that need escaping', () => {
    for (const experiment_id of ['pi_mc:0.1', 'é"\\:1']) {
      const shared = { experiment_id, context: 'c'.repeat(32), code: 'd'.repeat(32) };
      const identify = makeRunIdentifier(shared);
      expect(identify('a', 'b')).toBe(runId({ ...shared, params: 'a', seed: 'b' }));
    }
  });

  it('the seeds that the Python metalab derives', () => {
    expect(new Seeds(42, 0).derive('default')).toBe(2164880486899767195n);
    expect(new Seeds(42, 0).derive('sampling')).toBe(16451810078227672686n);
    expect(forPreprocessing(42).derive('default')).toBe(7753140183719244741n);
  });
});
