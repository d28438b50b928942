import { measureArtifacts } from './artifacts.mjs';

/** What stores cost: artifacts in packs. */
export async function measureStores(lab, scratch, report) {
  await measureArtifacts(lab, scratch, report);
}
