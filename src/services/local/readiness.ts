import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { answers } from '../../engine/server/ports.js';
import type { ReadinessCheck } from '../service.js';

const HTTP_WITHIN_MS = 2_000;
const REPLY_WITHIN_MS = 3_000;

/** Whether a service on this machine answers now. Never throws. */
export async function isReady(check: ReadinessCheck): Promise<boolean> {
  switch (check.type) {
    case 'file':
      return existsSync(check.path);
    case 'port':
      return answers(check.port);
    case 'http':
      return answersHttp(check);
    case 'reply':
      return replies(check);
  }
}

function answersHttp({ port, path }: Extract<ReadinessCheck, { type: 'http' }>): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host: '127.0.0.1', port, path, timeout: HTTP_WITHIN_MS, agent: false },
      (response) => {
        response.resume();
        resolve((response.statusCode ?? 500) < 400);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function replies({ port, request }: Extract<ReadinessCheck, { type: 'reply' }>): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(Buffer.from(request)));
    const done = (isReply: boolean) => {
      socket.destroy();
      resolve(isReply);
    };
    socket.setTimeout(REPLY_WITHIN_MS, () => done(false));
    socket.on('data', () => done(true));
    for (const event of ['error', 'close']) socket.on(event, () => done(false));
  });
}
