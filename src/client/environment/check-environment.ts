import { DEFAULT_STORE } from '../../config/paths.js';
import { ProjectConfig } from '../../config/project-config.js';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import { shortPath } from '../../config/toml-file.js';
import { DefinitionError, MetalabError } from '../../definition/errors.js';
import { store as storeExaminer } from '../../engine/doctor/store.js';
import { checkPlace, type EnvironmentCheck } from '../../execution/checks.js';
import { pathOf, schemeOf } from '../../storage/location.js';
import type { Prompter } from '../../transport/prompter.js';
import { openFolder } from '../open-location.js';
import { locationOf } from '../store-choice.js';

/**
 * Checks an environment: its configuration, its store, and its executor.
 *
 * @param name default: the one that a submit would use
 * @param prompter asked if the gateway's login needs a person
 * @throws UsageError if there is no such environment
 */
export async function* checkEnvironment(
  name: string | undefined,
  prompter: Prompter | undefined,
): AsyncGenerator<EnvironmentCheck, void> {
  let environment: ResolvedEnvironment;
  try {
    const config = await ProjectConfig.load();
    ({ environment } = config.resolve(name));
    const detail =
      config.files.map(shortPath).join(', ') || 'no files: all settings have their default values';
    yield { name: 'configuration', ok: true, detail };
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return yield refused('configuration', error);
  }
  yield* checkStore(environment);
  yield* checkPlace(environment, prompter);
}

async function* checkStore(environment: ResolvedEnvironment): AsyncGenerator<EnvironmentCheck, void> {
  try {
    const location = await locationOf({ store: environment.store ?? DEFAULT_STORE, executor: environment });
    if (schemeOf(location) === 'file') {
      const found = await storeExaminer.examine({
        env: process.env,
        store: pathOf(location),
        build: undefined,
      });
      yield* [found].flat();
    } else {
      await openFolder(location);
      yield { name: 'store', ok: true, detail: location };
    }
  } catch (error) {
    if (!(error instanceof MetalabError)) throw error;
    yield refused('store', error);
  }
}

function refused(name: string, error: MetalabError): EnvironmentCheck {
  const several = error instanceof DefinitionError && error.problems.length > 1;
  const detail = several ? error.message : error.message.split('\n  next: ')[0]!;
  return { name, ok: false, detail, ...(error.next ? { next: error.next } : {}) };
}
