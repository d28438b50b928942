import { type InputOptions, type OutputChunk, type OutputOptions, rolldown } from 'rolldown';
import { BuildProblems } from './build-problems.js';

/** The options of all builds. `target` is the oldest Node that metalab runs on. */
const SHARED = {
  platform: 'node',
  logLevel: 'silent',
  experimental: { attachDebugInfo: 'none' },
  // Off, because whether a constant is inlined depends on how it is written.
  optimization: { inlineConst: false },
  transform: { target: 'node20', typescript: { optimizeConstEnums: true, optimizeEnums: true } },
  moduleTypes: { '.txt': 'text', '.csv': 'text', '.tsv': 'text', '.md': 'text', '.sql': 'text' },
  // As Node does: `module` is only for bundlers, and often a different build of the package.
  resolve: { mainFields: ['main'] },
} as const satisfies InputOptions;

/** Ids of virtual modules begin with NUL, by the bundlers' convention. */
export const isVirtual = (id: string) => id.startsWith('\0');

/**
 * Bundles everything into one chunk, in memory.
 *
 * @param problems collects the problems that plugins find; they are thrown together with the bundler's
 * @throws DefinitionError naming every file that does not compile and every import that can't be found
 */
export async function buildChunk(
  input: InputOptions,
  output: OutputOptions,
  problems: BuildProblems = new BuildProblems(),
): Promise<OutputChunk> {
  try {
    const bundle = await rolldown({ ...SHARED, ...input });
    try {
      const result = await bundle.generate({ format: 'es', codeSplitting: false, minify: false, ...output });
      problems.throwIfAny();
      return result.output[0];
    } finally {
      await bundle.close();
    }
  } catch (error) {
    throw problems.toError(error);
  }
}
