import type { ExperimentDeclaration } from '../definition/declaration.js';
import { canonicalJson } from '../identity/canonical.js';
import type { ExperimentManifest } from '../storage/manifest.js';

/** One change that makes runs of the earlier manifest stale. */
export interface Change {
  readonly part: 'code' | 'context';
  /** A module's path, a package's name, a context file's path, or a context value's key. */
  readonly name: string;
  readonly change: 'changed' | 'added' | 'removed';
}

/** The modules, packages, files and values that differ between the last submission and the present declaration. */
export function explainChanges(before: ExperimentManifest, now: ExperimentDeclaration): Change[] {
  const changes: Change[] = [];
  if (before.operation.code_fingerprint !== now.operation.code_fingerprint) {
    changes.push(...compare('code', before.operation.modules, now.operation.modules));
    changes.push(...compare('code', before.operation.packages, now.operation.packages));
    if (changes.length === 0) changes.push({ part: 'code', name: now.operation.ref, change: 'changed' });
  }
  if (before.context_fingerprint !== now.context_fingerprint) {
    const files = compare('context', hashes(before.files), hashes(now.files));
    changes.push(...files, ...compare('context', values(before.context), values(now.context)));
  }
  return changes;
}

function compare(
  part: Change['part'],
  before: Record<string, string>,
  now: Record<string, string>,
): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names
    .filter((name) => before[name] !== now[name])
    .map((name) => ({
      part,
      name,
      change: !(name in before) ? 'added' : !(name in now) ? 'removed' : 'changed',
    }));
}

const hashes = (files: ExperimentDeclaration['files']) =>
  Object.fromEntries(files.map((file) => [file.path, file.content_hash]));

/** Plain values of the context by key. Files and folders are compared by path above. */
const values = (context: ExperimentDeclaration['context']) =>
  Object.fromEntries(
    Object.entries(context)
      .map(([key, value]) => [key, canonicalJson(value)] as const)
      .filter(([, text]) => !text.includes('"$metalab"')),
  );
