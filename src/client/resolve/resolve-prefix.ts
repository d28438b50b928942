import { UsageError } from '../../definition/errors.js';

const MAX_SHOWN = 10;

/**
 * Finds the one candidate with a prefix, as git does; an exact match wins.
 *
 * @throws UsageError listing the matches if there are several, and all candidates if there is none
 */
export function resolvePrefix(
  prefix: string,
  candidates: readonly string[],
  words: { readonly kind: string; readonly next: string; readonly describe?: (candidate: string) => string },
): string {
  const { kind, next, describe = (candidate: string) => candidate } = words;
  if (candidates.includes(prefix)) return prefix;
  const matches = candidates.filter((candidate) => candidate.startsWith(prefix));
  const [only] = matches;
  if (matches.length === 1 && only !== undefined) return only;
  const shown = matches.length > 0 ? matches : candidates;
  const list = shown.slice(0, MAX_SHOWN).map((candidate) => `\n    ${describe(candidate)}`);
  if (shown.length > MAX_SHOWN) list.push(`\n    … and ${shown.length - MAX_SHOWN} more`);
  throw new UsageError({
    code: matches.length > 0 ? 'METALAB_AMBIGUOUS_PREFIX' : 'METALAB_UNKNOWN_PREFIX',
    what:
      matches.length > 0
        ? `'${prefix}' could be ${matches.length} ${kind}s`
        : `there is no ${kind} '${prefix}'`,
    expected: shown.length > 0 ? `one of:${list.join('')}` : `the beginning of a ${kind}'s id`,
    next,
  });
}
