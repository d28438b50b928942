import { Hono } from 'hono';
import { describeError, MetalabError } from '../definition/errors.js';
import { checkHost, checkToken } from './access.js';
import { refuse } from './answers.js';
import type { AtlasExperiments } from './list-experiments.js';

/** What `/api/health` answers, also to those who have no token. */
export interface AtlasHealth {
  readonly status: 'ok';
}

export interface AppOptions {
  /** Who has it may read the store. */
  readonly token: string;
  readonly listExperiments: () => Promise<AtlasExperiments>;
  /** A line for the log. */
  readonly say: (line: string) => void;
}

/** The server's answers: JSON, also where it has none. */
export function createApp({ token, listExperiments, say }: AppOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const start = performance.now();
    await next();
    context.header('Cache-Control', 'no-store');
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Referrer-Policy', 'no-referrer');
    const { method, path } = context.req;
    // Without its query, which may hold the token; what asks whether the server is alive asks often.
    if (path !== HEALTH)
      say(`${method} ${path} ${context.res.status} ${Math.round(performance.now() - start)} ms`);
  });
  app.use(checkHost);
  app.get(HEALTH, (context) => context.json({ status: 'ok' } satisfies AtlasHealth));
  app.use(checkToken(token));
  const read = shared(listExperiments);
  app.get('/api/experiments', async (context) => context.json(await read()));
  app.notFound((context) =>
    refuse(context, 404, {
      code: 'METALAB_ATLAS_PATH',
      what: `there is no ${context.req.method} ${context.req.path}`,
      expected: `GET ${HEALTH} or GET /api/experiments`,
    }),
  );
  app.onError((error, context) => {
    say(`${context.req.path}: ${error.message}`);
    if (!(error instanceof MetalabError))
      return refuse(context, 500, { code: 'METALAB_ATLAS_FAULT', what: describeError(error).message });
    const { code, what, where, expected, next } = error;
    return refuse(context, 503, {
      ...{ code, what },
      ...(where === undefined ? {} : { where }),
      ...(expected === undefined ? {} : { expected }),
      ...(next === undefined ? {} : { next }),
    });
  });
  return app;
}

const HEALTH = '/api/health';

/** Who asks while an answer is being made gets that one. */
function shared<Answer>(make: () => Promise<Answer>): () => Promise<Answer> {
  let made: Promise<Answer> | undefined;
  return () => {
    made ??= make().finally(() => {
      made = undefined;
    });
    return made;
  };
}
