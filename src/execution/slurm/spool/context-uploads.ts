import { basename, join, posix } from 'node:path';
import type { ContextReference, ExperimentDeclaration } from '../../../definition/declaration.js';
import type { JsonValue } from '../../../definition/json.js';
import { filePlace } from './spool-layout.js';
import type { Upload } from './upload.js';

export interface ContextUploads {
  /** Where each path of the declaration's context is, relative to the spool's root. */
  readonly files: { readonly [path: string]: string };
  readonly uploads: readonly Upload[];
}

/** The context's files on the cluster: stored by content, under their own names, since operations read those. */
export function contextUploads(declaration: ExperimentDeclaration, root: string): ContextUploads {
  const files: { [path: string]: string } = {};
  const uploads: Upload[] = [];
  const local = declaration.files.filter(({ on }) => on === undefined);
  const hashed = new Map(
    local.map(({ path, content_hash, size_bytes }) => [path, { sha256: content_hash, size: size_bytes }]),
  );
  for (const reference of references(declaration.context)) {
    const { path, content_hash } = reference;
    const place = filePlace(content_hash);
    if (reference.$metalab === 'file') {
      const to = posix.join(place, basename(path));
      files[path] = to;
      uploads.push({
        from: { path },
        to: posix.join(root, to),
        sha256: content_hash,
        size: hashed.get(path)?.size,
      });
      continue;
    }
    files[path] = place;
    for (const name of reference.files) {
      const from = join(path, name);
      uploads.push({ from: { path: from }, to: posix.join(root, place, name), ...hashed.get(from) });
    }
  }
  return { files, uploads };
}

/** Local files and folders of a context; files on the cluster stay where they are. */
function* references(value: JsonValue | ExperimentDeclaration['context']): Generator<ContextReference> {
  if (typeof value !== 'object' || value === null) return;
  if ('$metalab' in value) {
    if ((value as { on?: unknown }).on === undefined) yield value as unknown as ContextReference;
    return;
  }
  for (const item of Object.values(value)) yield* references(item as JsonValue);
}
