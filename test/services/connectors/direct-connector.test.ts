import { DirectConnector } from '../../../src/services/connectors/direct-connector.js';
import { describeConnector } from '../connector-contract.js';

describeConnector('direct', async () => ({ connector: new DirectConnector(), close: async () => {} }));
