import { quoteForShell } from '../transport/ssh/command-line.js';

/**
 * Shell lines that unpack an archive which was shipped, unless it has been: other jobs may be doing so, too, and only a
 * whole folder gets the name.
 */
export const unpackOnce = (archive: string, folder: string): string => `folder=${quoteForShell(folder)}
if [ ! -d "$folder" ]; then
  unpacked=$(mktemp -d "$folder.XXXXXX")
  tar -xzf ${quoteForShell(archive)} --no-same-owner -C "$unpacked"
  chmod 755 "$unpacked"
  mv -T "$unpacked" "$folder" 2>/dev/null || rm -rf "$unpacked"
fi`;
