import { dirname, join, relative } from 'node:path';
import { declarationFile, derivedFolder, manifestFile, submissionFolder } from './layout.js';
import { listNames } from './list-names.js';

const OF_SUBMISSIONS = ['submission.json', 'plan.json', 'outcome.json'];

/** The files of an experiment that say what was declared, submitted and derived, relative to its folder. */
export async function listManifestFiles(folder: string): Promise<string[]> {
  const submissions = dirname(submissionFolder(folder, '_'));
  const declarations = dirname(declarationFile(folder, '_'));
  const jsonIn = async (parent: string) =>
    (await listNames(parent)).filter((name) => /^[^.].*\.json$/.test(name)).map((name) => join(parent, name));
  const ofSubmissions = (await listNames(submissions)).flatMap((id) =>
    OF_SUBMISSIONS.map((name) => join(submissions, id, name)),
  );
  const files = [
    manifestFile(folder),
    ...ofSubmissions,
    ...(await jsonIn(declarations)),
    ...(await jsonIn(derivedFolder(folder))),
  ];
  return files.map((path) => relative(folder, path));
}
