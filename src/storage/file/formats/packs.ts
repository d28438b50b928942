import { packsFolder } from '../layout.js';
import { listNames } from '../list-names.js';

/** Paths of an experiment's packs in its folder, as uris of artifacts begin. */
export async function listPacks(folder: string): Promise<string[]> {
  const submissions = await listNames(packsFolder(folder));
  const packs = submissions.map(async (submission) =>
    (await listNames(packsFolder(folder, submission)))
      .filter((name) => name.endsWith('.pack'))
      .map((name) => `packs/${submission}/${name}`),
  );
  return (await Promise.all(packs)).flat();
}
