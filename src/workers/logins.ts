import { stateFolder } from '../access/own-folders.js';
import { loginsFolder } from '../engine/state-folder.js';
import { sshEnvironment } from '../engine/worker/ssh-environment.js';
import { LoginServer } from '../transport/login/login-server.js';
import type { SshTransport } from '../transport/ssh/ssh-transport.js';

/** Lets `metalab env login` reach this worker: its connections to gateways are its own, and kept until it ends. */
export async function openLogins(): Promise<{ close(): Promise<void> }> {
  const kept = new Map<string, SshTransport>();
  const server = await openServer(kept);
  return {
    async close() {
      await server?.close();
      for (const transport of kept.values()) await transport.close();
    },
  };
}

async function openServer(kept: Map<string, SshTransport>): Promise<LoginServer | undefined> {
  try {
    return await LoginServer.open({
      folder: loginsFolder(stateFolder()),
      async onLogin({ gateway, environment }, prompter) {
        const { createSshTransport } = await import('../transport/ssh/ssh-transport.js');
        const key = JSON.stringify(gateway);
        const transport = kept.get(key) ?? createSshTransport(gateway, { environment, env: sshEnvironment });
        kept.set(key, transport);
        await transport.login(prompter);
      },
    });
  } catch (error) {
    // The state folder's path is too long for a socket: only logins through the command line need it.
    process.stderr.write(`WARN metalab env login will not reach this worker: ${String(error)}\n`);
    return undefined;
  }
}
