import { type InputOptions, type OutputChunk, type OutputOptions, rolldown } from 'rolldown';
import { BuildProblems } from './build-problems.js';

/** What every one of our builds has in common. `target` is the oldest Node that metalab runs on. */
const SHARED = {
  platform: 'node',
  logLevel: 'silent',
  experimental: { attachDebugInfo: 'none' },
  // Off, because an inlined constant would be counted where it is used only in some of the ways to write it.
  optimization: { inlineConst: false },
  transform: { target: 'node20', typescript: { optimizeConstEnums: true, optimizeEnums: true } },
  moduleTypes: { '.txt': 'text', '.csv': 'text', '.tsv': 'text', '.md': 'text', '.sql': 'text' },
  // As Node resolves: `module` is for bundlers only, and often another build of the package.
  resolve: { mainFields: ['main'] },
} as const satisfies InputOptions;

/** Ids of modules that we make up begin with NUL, by the bundlers' convention. */
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
