import prettyBytes from 'pretty-bytes';

/** `840 B`, `1.2 MiB`: powers of 1024, as Slurm counts memory. */
export const formatBytes = (bytes: number): string => prettyBytes(bytes, { binary: true });
