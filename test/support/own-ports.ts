import { mkdirSync } from 'node:fs';
import { randomPort } from '../../src/engine/server/ports.js';
import { writeJson } from '../../src/engine/state.js';
import { portsFile } from '../../src/engine/state-folder.js';

/**
 * Gives an engine ports of its own. Engines try the usual ones first: while a test's server is down, that of another test
 * would take its port. A submit that follows then ends, as it should: its server has another address now.
 */
export function giveOwnPorts(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeJson(portsFile(home), { port: randomPort(), ui_port: randomPort() });
}
