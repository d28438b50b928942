import { describeTransport } from '../contract.js';
import { Scratch } from './scratch.js';

describeTransport('ssh', async () => {
  const scratch = new Scratch();
  const transport = scratch.connect(await scratch.start());
  return { transport, close: () => scratch.close() };
});
