import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { TransportError } from '../transport-error.js';

const DEEPEST = 16;
const MARK = 'MetalabSectionApplies';

type Line = SSHConfig[number];
type Section = Line & { config: SSHConfig };

/** A host's settings in the configuration files, with keywords in lower case. Repeated values are lists. */
export type HostConfig = { readonly [keyword: string]: string | readonly string[] | undefined };

/**
 * Reads OpenSSH's client configuration, files earlier in the list first: the first value of a keyword counts. `Match
 * exec` never matches: reading a configuration runs no commands.
 *
 * @throws TransportError with code METALAB_TRANSPORT_CONFIG
 */
export function readHostConfig(
  files: readonly string[],
  host: string,
  user: string | undefined,
  home: string,
): HostConfig {
  const lines = new SSHConfig();
  for (const file of files) if (existsSync(file)) lines.push(...expand(file, host, home, 0));
  return compute(lines, host, user) as HostConfig;
}

const compute = (lines: SSHConfig, host: string, user?: string) =>
  lines.compute(
    { Host: host, ...(user !== undefined && { User: user }) },
    { ignoreCase: true, matchExec: false },
  );

/** A file's lines, with included files in place of their `Include` lines. The library itself does not include. */
function expand(file: string, host: string, home: string, depth: number): Line[] {
  if (depth > DEEPEST) throw configError(file, 'files include each other');
  const parsed = parse(file);
  return [...parsed].flatMap((line) => {
    if (!isSection(line)) return isInclude(line) ? included(line, file, host, home, depth) : [line];
    return expandSection(line, file, host, home, depth);
  });
}

/** Included lines apply only if their section does: its lines before, the included ones, its lines after. */
function expandSection(section: Section, file: string, host: string, home: string, depth: number): Line[] {
  const result: Line[] = [];
  let rest: Line[] = [];
  const flush = () => {
    result.push(sectionWith(section, rest));
    rest = [];
  };
  for (const line of section.config) {
    if (!isInclude(line)) {
      rest.push(line);
      continue;
    }
    flush();
    for (const inner of applies(section, host) ? included(line, file, host, home, depth) : []) {
      if (isSection(inner)) {
        flush();
        result.push(inner);
      } else rest.push(inner);
    }
  }
  flush();
  return result;
}

function applies(section: Section, host: string): boolean {
  const [mark] = SSHConfig.parse(`${MARK} yes`);
  const alone = new SSHConfig();
  alone.push(sectionWith(section, [mark!]));
  return compute(alone, host)[MARK.toLowerCase()] !== undefined;
}

function sectionWith(section: Section, lines: readonly Line[]): Line {
  const config = new SSHConfig();
  config.push(...lines);
  return Object.assign({ ...section }, { config });
}

function included(line: Line, file: string, host: string, home: string, depth: number): Line[] {
  const { value } = line as { value: string | { val: string }[] };
  const patterns = typeof value === 'string' ? [value] : value.map(({ val }) => val);
  return patterns
    .flatMap((pattern) => filesOf(pattern, file, home))
    .flatMap((name) => expand(name, host, home, depth + 1));
}

/**
 * Files matching a path whose last part may contain `*` and `?`. Relative paths are relative to the including file's
 * folder, as with OpenSSH's ~/.ssh.
 */
function filesOf(pattern: string, file: string, home: string): string[] {
  const expanded = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern;
  const path = isAbsolute(expanded) ? expanded : join(dirname(file), expanded);
  const name = basename(path);
  if (!/[*?]/.test(name)) return existsSync(path) ? [path] : [];
  const matches = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  if (!existsSync(dirname(path))) return [];
  return readdirSync(dirname(path))
    .filter((entry) => matches.test(entry) && (!entry.startsWith('.') || name.startsWith('.')))
    .sort()
    .map((entry) => join(dirname(path), entry));
}

function parse(file: string): SSHConfig {
  try {
    return SSHConfig.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw configError(file, (error as Error).message, error);
  }
}

const configError = (file: string, reason: string, cause?: unknown) =>
  new TransportError(
    {
      code: 'METALAB_TRANSPORT_CONFIG',
      what: `can't be read as an SSH configuration: ${reason}`,
      where: file,
    },
    { cause },
  );

const isSection = (line: Line): line is Section => 'config' in line;
const isInclude = (line: Line) => 'param' in line && /^include$/i.test(line.param);
