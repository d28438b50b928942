import { runMetalab } from './run-metalab.js';

// The pipe was closed (`metalab results … | head`): nobody reads the output any more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await runMetalab(process.argv.slice(2));
