// What a bare one-thread loop does in a second: hashes, builds and appends the same records, and nothing else.
// Run as a process of its own: `node bench/bare-loop.mjs RUNS FILE` prints its seconds.
import { hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';

const [runs, path] = [Number(process.argv[2]), process.argv[3]];
const digest = (text) => hash('sha256', text, 'hex').slice(0, 32);
const began = performance.now();
const file = openSync(path, 'w');
const code = digest('code');
const context = digest('{}');
const seed = digest('{"base":1,"replicate":0}');
const provenance = {
  host: hostname(),
  executor: 'local',
  slot: 'bare',
  node: process.version,
  metalab: '0.1.0',
};
let buffer = '';
for (let index = 0; index < runs; index++) {
  const started = Date.now();
  const params = { x: Math.floor(index / 1000), y: index % 1000 };
  const paramsFingerprint = digest(JSON.stringify(params));
  const runId = digest(
    JSON.stringify({ code, context, experiment_id: 'noop:1', params: paramsFingerprint, seed }),
  );
  const begin = performance.now();
  const record = {
    run_id: runId,
    experiment_id: 'noop:1',
    status: 'success',
    generation: 0,
    attempt: 1,
    context_fingerprint: context,
    params_fingerprint: paramsFingerprint,
    seed_fingerprint: seed,
    code_fingerprint: code,
    index,
    replicate: 0,
    params,
    metrics: { x: params.x },
    started_at: new Date(started).toISOString(),
    finished_at: new Date().toISOString(),
    duration_ms: performance.now() - begin,
    provenance,
    error: null,
    tags: [],
    warnings: [],
    notes: [],
    artifacts: [],
  };
  buffer += `${JSON.stringify(record)}\n`;
  if (buffer.length >= 65_536) {
    writeSync(file, buffer);
    buffer = '';
  }
}
writeSync(file, buffer);
fsyncSync(file);
closeSync(file);
console.log((performance.now() - began) / 1000);
