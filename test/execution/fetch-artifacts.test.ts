import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ArtifactDescriptor } from '../../src/definition/record.js';
import { fetchArtifacts } from '../../src/execution/fetch-artifacts.js';
import { parsePack, parsePackUri } from '../../src/storage/file/formats/pack.js';
import { PackWriter } from '../../src/storage/file/formats/pack-writer.js';
import { createShellTransport } from '../../src/transport/shell/shell-transport.js';
import type { Transport } from '../../src/transport/transport.js';
import { lostError } from '../../src/transport/transport-error.js';
import { bytesOf, artifactOf as describeStored } from '../support/artifacts.js';

let root: string;
let places: { readonly folder: string; readonly there: string };
const here = (artifact: ArtifactDescriptor) => join(places.folder, artifact.uri);
const there = (artifact: ArtifactDescriptor) => join(places.there, artifact.uri);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab artifacts ü'"));
  places = { folder: join(root, 'here'), there: join(root, 'there') };
  mkdirSync(join(places.there, 'artifacts'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** An artifact on the cluster. */
function artifactOf(content: string | Uint8Array): ArtifactDescriptor {
  const content_hash = createHash('sha256').update(content).digest('hex');
  const uri = `artifacts/${content_hash}`;
  const descriptor = {
    artifact_id: content_hash,
    name: 'a',
    kind: 'file',
    format: 'text',
    uri,
    content_hash,
  };
  const artifact = { ...descriptor, size_bytes: content.length, metadata: {} } as ArtifactDescriptor;
  writeFileSync(there(artifact), content);
  return artifact;
}

/** Counts round trips; after `cut` bytes of its first answer the connection is lost. */
function counted(cut = Number.POSITIVE_INFINITY): Transport & { trips: number } {
  const shell = createShellTransport();
  const transport = {
    ...shell,
    trips: 0,
    stream: async (...asked: Parameters<Transport['stream']>) => {
      transport.trips++;
      const { stdout, ended } = await shell.stream(...asked);
      return { stdout: transport.trips === 1 ? cutOff(stdout, cut) : stdout, ended };
    },
  };
  return transport;
}

async function* cutOff(pieces: AsyncIterable<Uint8Array>, most: number) {
  let left = most;
  for await (const piece of pieces) {
    yield piece.subarray(0, left);
    left -= piece.length;
    if (left <= 0) throw lostError('the rig');
  }
}

const expectHere = (artifacts: readonly ArtifactDescriptor[]) =>
  expect(
    existsSync(join(places.folder, 'artifacts')) ? readdirSync(join(places.folder, 'artifacts')) : [],
  ).toEqual(artifacts.map(({ content_hash }) => content_hash).sort());

test('many come in one round trip, whatever is in them, and none twice', async () => {
  const contents = [randomBytes(3_000_000), '', '\n', `@artifact ${'0'.repeat(64)} 5\nhello\n`];
  const artifacts = [...contents, ...Array.from({ length: 300 }, (_, at) => `content ${at}`)].map(artifactOf);
  const transport = counted();
  expect(await fetchArtifacts(transport, places, [...artifacts, ...artifacts])).toEqual({
    brought: 304,
    absent: [],
    damaged: [],
  });
  expect(transport.trips).toBe(1);
  expectHere(artifacts);
  expect(readFileSync(here(artifacts[0]!)).equals(contents[0] as Buffer)).toBe(true);
  expect(await fetchArtifacts(transport, places, artifacts)).toMatchObject({ brought: 0 });
  expect(transport.trips).toBe(1);
});

test('what is gone or damaged there is reported, and everything else is fetched', async () => {
  const artifacts = ['one', 'two', 'three', 'four'].map(artifactOf);
  const [one, two, three, four] = artifacts as [ArtifactDescriptor, ...ArtifactDescriptor[]];
  rmSync(there(one));
  writeFileSync(there(two!), 'tow');
  writeFileSync(there(three!), 'much longer than it was');
  expect(await fetchArtifacts(counted(), places, artifacts)).toEqual({
    brought: 1,
    absent: [one],
    damaged: [two, three],
  });
  expectHere([four!]);
});

test('what came before the connection was lost is kept, and nothing half', async () => {
  const artifacts = [randomBytes(1_000_000), randomBytes(2_000_000)].map(artifactOf);
  const transport = counted(1_500_000);
  await expect(fetchArtifacts(transport, places, artifacts)).rejects.toMatchObject({
    code: 'METALAB_TRANSPORT_LOST',
  });
  expectHere(artifacts.slice(0, 1));
  expect(await fetchArtifacts(transport, places, artifacts)).toMatchObject({ brought: 1 });
  expectHere(artifacts);
});

test('a file that is shorter than it was said to be is left, and those after it come all the same', async () => {
  const artifacts = ['first', 'second', 'third'].map(artifactOf);
  const shell = createShellTransport();
  let trips = 0;
  const transport: Transport = {
    ...shell,
    stream: async (...asked) => {
      trips++;
      const { stdout, ended } = await shell.stream(...asked);
      return { stdout: trips === 1 ? without(stdout, 'irst\n') : stdout, ended };
    },
  };
  const [first] = artifacts;
  expect(await fetchArtifacts(transport, places, artifacts)).toEqual({
    brought: 2,
    absent: [],
    damaged: [first],
  });
  expectHere(artifacts.slice(1));
});

/** All of it at once, but for some text. */
async function* without(pieces: AsyncIterable<Uint8Array>, text: string) {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  yield Buffer.from(Buffer.concat(all).toString('latin1').replace(text, '\n'), 'latin1');
}

describe('artifacts in packs', () => {
  /** Two packs on the cluster: of each content an artifact, in turn. */
  function packed(contents: readonly (string | Uint8Array)[]): ArtifactDescriptor[] {
    const writers = ['a-1-a', 'b-1-b'].map((writer) => new PackWriter(places.there, 's1', writer));
    const stored = contents.map((content, at) => writers[at % 2]!.store(Buffer.from(content)));
    for (const writer of writers) writer.flush();
    return stored.map((each) => describeStored(each));
  }
  const packPath = (folder: string, { uri }: ArtifactDescriptor) => join(folder, parsePackUri(uri)!.pack);
  const changeThere = (artifact: ArtifactDescriptor, change: (bytes: Buffer, offset: number) => void) => {
    const path = packPath(places.there, artifact);
    const bytes = readFileSync(path);
    change(bytes, parsePackUri(artifact.uri)!.offset);
    writeFileSync(path, bytes);
  };

  test('many come in one round trip, into copies of their packs', async () => {
    const contents = Array.from({ length: 3000 }, (_, at) => `content ${at} `.repeat(at % 100));
    const artifacts = packed([randomBytes(900_000), '', '\n', ...contents]);
    const loose = artifactOf('a file of its own');
    const transport = counted();
    const distinct = new Set(artifacts.map(({ uri }) => uri)).size;
    expect(await fetchArtifacts(transport, places, [...artifacts, loose])).toEqual({
      brought: distinct + 1,
      absent: [],
      damaged: [],
    });
    expect(transport.trips).toBe(1);
    for (const pack of artifacts.slice(0, 2))
      expect(
        readFileSync(packPath(places.folder, pack)).equals(readFileSync(packPath(places.there, pack))),
      ).toBe(true);
    expect(await fetchArtifacts(transport, places, artifacts)).toMatchObject({ brought: 0 });
    expect(transport.trips).toBe(1);
  });

  test('some come alone, and the others later: what is not there is a hole', async () => {
    const artifacts = packed(Array.from({ length: 60 }, (_, at) => `${at}${'x'.repeat(20_000)}`));
    const some = artifacts.filter((_, at) => at % 7 === 3);
    expect(await fetchArtifacts(counted(), places, some)).toMatchObject({ brought: some.length });
    for (const artifact of artifacts) {
      const read = bytesOf(places.folder, artifact);
      if (some.includes(artifact)) expect((await read).length).toBe(artifact.size_bytes);
      else await expect(read).rejects.toMatchObject({ code: 'METALAB_ARTIFACT_MISSING' });
    }
    for (const pack of artifacts.slice(0, 2))
      expect(
        parsePack(readFileSync(packPath(places.folder, pack))).every(({ kind }) => kind === 'artifact'),
      ).toBe(true);
    expect(await fetchArtifacts(counted(), places, artifacts)).toMatchObject({ brought: 60 - some.length });
    for (const artifact of artifacts)
      expect((await bytesOf(places.folder, artifact)).length).toBe(artifact.size_bytes);
  });

  test('what is torn off or damaged there is reported, and everything else is fetched', async () => {
    const artifacts = packed(['one', 'two', 'three', 'four', 'five', 'six']);
    const [, two, three, , five] = artifacts;
    changeThere(three!, (bytes, offset) => bytes.write('THREE', offset));
    changeThere(two!, (bytes, offset) => bytes.fill(0, offset - 20, offset + 3));
    const { offset } = parsePackUri(five!.uri)!;
    truncateSync(packPath(places.there, five!), offset + 2);
    expect(await fetchArtifacts(counted(), places, artifacts)).toEqual({
      brought: 3,
      absent: [five, two],
      damaged: [three],
    });
    expect((await bytesOf(places.folder, artifacts[5]!)).toString()).toBe('six');
    rmSync(join(places.there, 'packs'), { recursive: true });
    expect(await fetchArtifacts(counted(), places, [two!])).toMatchObject({ brought: 0, absent: [two] });
  });

  test('what came before the connection was lost is kept, and nothing half', async () => {
    const artifacts = packed(Array.from({ length: 30 }, () => randomBytes(400_000)));
    const transport = counted(7_000_000);
    await expect(fetchArtifacts(transport, places, artifacts)).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_LOST',
    });
    const { brought } = await fetchArtifacts(transport, places, artifacts);
    expect(brought).toBeGreaterThan(0);
    expect(brought).toBeLessThan(30);
    for (const artifact of artifacts) expect((await bytesOf(places.folder, artifact)).length).toBe(400_000);
  });
});
