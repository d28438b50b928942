import { measureArtifacts } from './artifacts.mjs';
import { measureIndex } from './index-in-postgres.mjs';

/** What stores cost: artifacts in packs, an index in PostgreSQL. */
export async function measureStores(lab, scratch, report) {
  await measureArtifacts(lab, scratch, report);
  await measureIndex(lab, scratch, report);
}
