import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import { describeTransport } from '../contract.js';

describeTransport('shell', async () => {
  const transport = createShellTransport();
  return { transport, close: () => transport.close() };
});
