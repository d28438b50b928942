/** Further frames belong to importers of the module, far from the declaration. */
const MAX_FRAMES = 50;

/**
 * The modules on the stack below a function, nearest first, each once: file URLs or absolute paths, as they were loaded.
 *
 * The stack is read as call sites, not as text: source maps (`--enable-source-maps`, tsx) rewrite the text to files that
 * may not exist and can't be imported.
 *
 * @param below the public function that was called: its own frame and those of its callees are left out
 */
export function callingModules(below: (...args: never[]) => unknown): readonly string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = MAX_FRAMES;
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? '');
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, below);
    const files = Array.isArray(holder.stack) ? (holder.stack as string[]) : [];
    return [...new Set(files.filter((file) => /^(?:file:|\/|[A-Za-z]:[\\/])/.test(file)))];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
