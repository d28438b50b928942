import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { refuse } from './answers.js';

/**
 * Lets requests through that name this machine. A page of another site can have its own name resolve to 127.0.0.1, and
 * would then be asked with that name.
 */
export const checkHost: MiddlewareHandler = async (context, next) => {
  if (isOwnName(context.req.header('host') ?? '')) return next();
  return refuse(context, 403, {
    code: 'METALAB_ATLAS_HOST',
    what: 'the request names another host',
    expected: `an address, localhost, or ${hostname()}`,
  });
};

function isOwnName(host: string): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  const own = hostname().toLowerCase();
  return isIP(name) !== 0 || ['localhost', own, own.split('.')[0]].includes(name);
}

/**
 * Lets requests through that have the token: as `Authorization: Bearer`, as `?token=`, which then stays as a cookie, or as
 * that cookie.
 */
export function checkToken(token: string): MiddlewareHandler {
  // Cookies are shared by all ports of a host: each server has a name of its own.
  const cookie = `metalab-atlas-${sha256(token).toString('hex').slice(0, 8)}`;
  const isToken = (given: string | undefined) =>
    given !== undefined && timingSafeEqual(sha256(given), sha256(token));
  return async (context, next) => {
    const asked = context.req.query('token');
    if (isToken(asked)) {
      setCookie(context, cookie, token, { httpOnly: true, sameSite: 'Strict', path: '/' });
      return next();
    }
    if (isToken(bearerOf(context)) || isToken(getCookie(context, cookie))) return next();
    context.header('WWW-Authenticate', 'Bearer');
    return refuse(context, 401, {
      code: 'METALAB_ATLAS_TOKEN',
      what: asked === undefined ? 'the request has no token' : 'the token is wrong',
      expected: 'Authorization: Bearer TOKEN, or ?token=TOKEN',
      next: 'metalab prints where the token is when it starts the server',
    });
  };
}

const bearerOf = (context: Context) => /^Bearer (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
const sha256 = (text: string) => createHash('sha256').update(text).digest();
