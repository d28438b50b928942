import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArtifactContent } from '../../../../src/definition/record.js';
import { MAX_PACKED_BYTES, parsePack, parsePackUri } from '../../../../src/storage/file/formats/pack.js';
import { PackWriter } from '../../../../src/storage/file/formats/pack-writer.js';
import { listPacks } from '../../../../src/storage/file/formats/packs.js';
import { packsFolder } from '../../../../src/storage/file/layout.js';
import { artifactOf, bytesOf } from '../../../support/artifacts.js';
import { temporaryFolder } from '../temporary-store.js';

const WRITER = 'host.example-1-aa';
const writerIn = (folder: string, packBytes?: number) => new PackWriter(folder, 's1', WRITER, packBytes);
const packIn = (folder: string, number = 0) => join(packsFolder(folder, 's1'), `${WRITER}.${number}.pack`);

/** What is awkward in a pack: nothing, newlines, what looks like a header, NUL bytes, a whole pack. */
const contents = (): Buffer[] => {
  const texts = ['', '\n', '\0\0\0', `@artifact ${'0'.repeat(64)} 3\nabc\n`, '@artifact ', 'plain'];
  return [...texts.map((text) => Buffer.from(text)), randomBytes(50)];
};

/** A pack with these contents. */
function packOf(folder: string, stored: readonly Uint8Array[]): ArtifactContent[] {
  const writer = writerIn(folder);
  const artifacts = stored.map((bytes) => writer.store(bytes));
  writer.flush();
  writer.sync();
  return artifacts;
}

test('artifacts are read as they were stored, by their uris', async () => {
  const folder = temporaryFolder();
  const all = [...contents(), randomBytes(70_000), randomBytes(300_000), randomBytes(MAX_PACKED_BYTES)];
  const artifacts = packOf(folder, all);
  for (const [at, artifact] of artifacts.entries()) {
    expect(artifact.content_hash).toBe(createHash('sha256').update(all[at]!).digest('hex'));
    expect(artifact.size_bytes).toBe(all[at]!.length);
    expect((await bytesOf(folder, artifactOf(artifact))).equals(all[at]!)).toBe(true);
    const { offset, size } = parsePackUri(artifact.uri)!;
    expect(
      readFileSync(packIn(folder))
        .subarray(offset, offset + size)
        .equals(all[at]!),
    ).toBe(true);
  }
  expect(await listPacks(folder)).toEqual([`packs/s1/${WRITER}.0.pack`]);
});

test('bytes that are changed after they were stored are stored as they were', async () => {
  const folder = temporaryFolder();
  const writer = writerIn(folder);
  const bytes = Buffer.from('before');
  const artifact = writer.store(bytes);
  bytes.write('behind');
  writer.flush();
  expect((await bytesOf(folder, artifactOf(artifact))).toString()).toBe('before');
});

test('the same bytes are stored once by a writer, in whichever of its packs, unless that was deleted', async () => {
  const folder = temporaryFolder();
  const writer = writerIn(folder, 1000);
  const first = writer.store(Buffer.from('same'));
  expect(writer.store(Buffer.from('same'))).toEqual(first);
  for (let at = 0; at < 20; at++) writer.store(randomBytes(200));
  writer.flush();
  expect(readdirSync(packsFolder(folder, 's1')).length).toBeGreaterThan(4);
  expect(writer.store(Buffer.from('same'))).toEqual(first);
  rmSync(packIn(folder));
  const again = writer.store(Buffer.from('same'));
  expect(again.uri).not.toBe(first.uri);
  writer.flush();
  expect((await bytesOf(folder, artifactOf(again))).toString()).toBe('same');
});

test('a pack is never appended to by another process, and one that is deleted while it is written is an error', () => {
  const folder = temporaryFolder();
  packOf(folder, [Buffer.from('first')]);
  const other = writerIn(folder);
  other.store(Buffer.from('second'));
  expect(() => other.flush()).toThrow(/EEXIST/);
  rmSync(packIn(folder));
  const writer = writerIn(folder);
  writer.store(Buffer.from('third'));
  writer.flush();
  rmSync(packIn(folder));
  expect(() => writer.sync()).toThrow(expect.objectContaining({ code: 'ESTALE' }));
});

test('a pack torn at any byte gives every artifact before, and tells that the others are missing', async () => {
  const folder = temporaryFolder();
  const all = contents();
  const artifacts = packOf(folder, all).map((stored) => artifactOf(stored));
  const whole = readFileSync(packIn(folder));
  for (let size = whole.length; size >= 0; size--) {
    truncateSync(packIn(folder), size);
    const kinds = parsePack(whole.subarray(0, size)).map(({ kind }) => kind);
    const isThere = ({ uri, size_bytes }: ArtifactContent) => parsePackUri(uri)!.offset + size_bytes <= size;
    const there = artifacts.filter(isThere);
    for (const [at, artifact] of there.entries())
      expect((await bytesOf(folder, artifact)).equals(all[at]!)).toBe(true);
    for (const artifact of artifacts.slice(there.length))
      await expect(bytesOf(folder, artifact)).rejects.toMatchObject({ code: 'METALAB_ARTIFACT_MISSING' });
    expect(kinds.slice(0, there.length)).toEqual(there.map(() => 'artifact'));
    expect(kinds.slice(there.length).every((kind) => kind === 'torn')).toBe(true);
  }
  rmSync(packIn(folder));
  await expect(bytesOf(folder, artifacts[0]!)).rejects.toMatchObject({ code: 'METALAB_ARTIFACT_MISSING' });
});

test('a byte that is changed anywhere costs the artifact there, and is found', async () => {
  const folder = temporaryFolder();
  const all = contents();
  const artifacts = packOf(folder, all).map((stored) => artifactOf(stored));
  const whole = readFileSync(packIn(folder));
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 0x41;
    writeFileSync(packIn(folder), changed);
    const outcomes = await Promise.allSettled(artifacts.map((artifact) => bytesOf(folder, artifact)));
    for (const [index, outcome] of outcomes.entries())
      if (outcome.status === 'fulfilled') expect(outcome.value.equals(all[index]!)).toBe(true);
      else expect(outcome.reason.code).toMatch(/METALAB_ARTIFACT_(MISSING|DAMAGED)/);
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    const parts = parsePack(changed);
    expect(parts.filter(({ kind }) => kind !== 'artifact').length).toBeGreaterThan(0);
    expect(parts.filter(({ kind }) => kind === 'artifact').length).toBeGreaterThanOrEqual(all.length - 1);
  }
});

test('bytes that are not a pack are damaged, and holes are nothing', () => {
  expect(parsePack(Buffer.from('not a pack\n'))).toEqual([{ kind: 'damaged', from: 0, to: 11 }]);
  expect(parsePack(Buffer.alloc(1000))).toEqual([]);
  const huge = Buffer.from(`@artifact ${'a'.repeat(64)} 9999999\nx`);
  expect(parsePack(huge)).toMatchObject([{ kind: 'damaged' }]);
});
