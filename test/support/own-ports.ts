import { mkdirSync } from 'node:fs';
import { randomPort } from '../../src/engine/server/ports.js';
import { writeJson } from '../../src/engine/state.js';
import { portsFile } from '../../src/engine/state-folder.js';

/**
 * Gives an engine ports of its own. Engines first try the usual ones: while a test's server is killed, that of another would
 * take them, and a submit that follows ends, as it should, because its server moved.
 */
export function giveOwnPorts(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeJson(portsFile(home), { port: randomPort(), ui_port: randomPort() });
}
