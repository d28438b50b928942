import { afterAll } from 'vitest';

/** Files share processes: what one sets in the environment, the next does not see. */
const before = { ...process.env };

afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
