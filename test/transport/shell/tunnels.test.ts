import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import { describeTunnels } from '../tunnel-contract.js';

describeTunnels('shell', async () => {
  const transport = createShellTransport();
  return { transport, close: () => transport.close() };
});
