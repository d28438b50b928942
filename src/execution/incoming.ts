import type { ArtifactContent } from '../definition/record.js';

/** What became of a requested artifact. `absent`: the cluster does not have it, or not yet. */
export interface IncomingResult<Artifact extends ArtifactContent = ArtifactContent> {
  readonly artifact: Artifact;
  readonly status: 'brought' | 'absent' | 'damaged';
}

/** Bytes that are received from elsewhere. */
export interface Incoming<Artifact extends ArtifactContent = ArtifactContent> {
  add(piece: Uint8Array): Promise<void>;
  /** All bytes have arrived: keeps in the store what matches its hash. */
  keep(): Promise<readonly IncomingResult<Artifact>[]>;
  /** Must be called at the end, whether or not anything was kept. */
  close(): Promise<void>;
}
