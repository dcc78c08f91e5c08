import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Access, Requirements, Verifier } from '@latchkey/verifier';
import { protect as protectExpress } from '@latchkey/verifier/express';
import { protect as protectFastify } from '@latchkey/verifier/fastify';
import { type LatchkeyEnv, protect as protectHono } from '@latchkey/verifier/hono';
import { protect as protectNode } from '@latchkey/verifier/node';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

/** The routes of the same small app in every framework, and what each asks for. */
export const ROUTES: Readonly<Record<string, Requirements>> = {
  '/things': { scope: ['read'] },
  '/secret': { scope: ['read', 'admin'] },
  '/office': { roles: ['clerk'] },
  '/orders': { permissions: ['orders:write'] },
  '/recent': { maxAgeSeconds: 60, acrValues: ['mfa'] },
  '/public': {},
  '/transfer': { scope: ['read'], once: true },
};

/** What a route answers: whose request it was. `/public` has its own mind about caches. */
const told = ({ principal }: Access) => ({ subject: principal.subject });
const OWN_CACHING = { 'cache-control': 'public, max-age=60', vary: 'Accept-Language' } as const;
const PREFLIGHT = {
  'access-control-allow-origin': 'https://app.example',
  'access-control-allow-headers': 'authorization',
};
const isPreflight = (method: string | undefined, asked: unknown) => method === 'OPTIONS' && asked !== undefined;

export interface Running {
  readonly port: number;
  close(): Promise<void>;
}
export type Framework = (verifier: Verifier) => Promise<Running>;

const listening = (server: Server): Promise<Running> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });

const onExpress: Framework = (verifier) => {
  const app = express();
  app.use((request, response, next) => {
    if (!isPreflight(request.method, request.headers['access-control-request-method'])) return next();
    response.status(204).set(PREFLIGHT).end();
  });
  for (const [path, asked] of Object.entries(ROUTES))
    app.all(path, protectExpress(verifier, asked), (request, response) => {
      if (path === '/public') response.set('cache-control', OWN_CACHING['cache-control']).vary(OWN_CACHING.vary);
      response.json(told(request.access));
    });
  return listening(createServer(app));
};

const onFastify: Framework = async (verifier) => {
  const app = fastify();
  app.addHook('onRequest', async (request, reply) =>
    isPreflight(request.method, request.headers['access-control-request-method'])
      ? reply.code(204).headers(PREFLIGHT).send()
      : undefined,
  );
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  for (const [url, asked] of Object.entries(ROUTES))
    app.route({
      method: ['GET', 'POST', 'OPTIONS', 'DELETE'],
      url,
      preHandler: protectFastify(verifier, asked),
      handler: async (request, reply) => {
        if (url === '/public')
          reply
            .header('cache-control', OWN_CACHING['cache-control'])
            .header('vary', `${String(reply.getHeader('vary'))}, ${OWN_CACHING.vary}`);
        return told(request.access);
      },
    });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
};

const onHono: Framework = (verifier) => {
  const app = new Hono<LatchkeyEnv>();
  app.use(async (context, next) =>
    isPreflight(context.req.method, context.req.header('access-control-request-method'))
      ? context.body(null, 204, PREFLIGHT)
      : next(),
  );
  for (const [path, asked] of Object.entries(ROUTES))
    app.all(path, protectHono(verifier, asked), (context) =>
      context.json(told(context.get('access')), 200, path === '/public' ? OWN_CACHING : {}),
    );
  return listening(createServer(getRequestListener(app.fetch)));
};

const onNode: Framework = (verifier) => {
  const send = (response: ServerResponse, body: object) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  const handlers = Object.fromEntries(
    Object.entries(ROUTES).map(([path, asked]) => [
      path,
      protectNode(verifier, asked, (request, response) => {
        if (path === '/public')
          response
            .setHeader('cache-control', OWN_CACHING['cache-control'])
            .setHeader('vary', `${String(response.getHeader('vary'))}, ${OWN_CACHING.vary}`);
        send(response, told(request.access));
      }),
    ]),
  );
  return listening(
    createServer((request: IncomingMessage, response: ServerResponse) => {
      if (isPreflight(request.method, request.headers['access-control-request-method']))
        return void response.writeHead(204, PREFLIGHT).end();
      void handlers[new URL(request.url ?? '/', 'http://x').pathname]?.(request, response);
    }),
  );
};

export const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  Express: onExpress,
  Fastify: onFastify,
  Hono: onHono,
  'node:http': onNode,
};

export interface Asked {
  readonly path: string;
  readonly method?: string;
  /** Names and values in turn, so that a name may stand twice. */
  readonly headers?: readonly string[];
  readonly body?: string;
}
export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends a request as it is given, with what no well-behaved client would send. */
export const ask = (port: number, { path, method = 'GET', headers = [], body }: Asked): Promise<Got> =>
  new Promise((resolve, reject) => {
    const given = [...headers, 'host', `127.0.0.1:${port}`];
    if (body !== undefined) given.push('content-length', String(Buffer.byteLength(body)));
    request({ host: '127.0.0.1', port, path, method, headers: given, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
          body: text,
        }),
      );
    })
      .on('error', reject)
      .end(body);
  });
