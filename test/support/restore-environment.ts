import { afterAll } from 'vitest';
import { setEnvironment } from './environment.js';

/** Files share processes: what one sets in the environment, the next does not see. */
const before = { ...process.env };

afterAll(() => setEnvironment(before));
