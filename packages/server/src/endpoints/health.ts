import { fail, ok } from '@latchkey/protocol/result';
import { json } from '../http/headers.ts';
import type { Endpoint } from '../server.ts';

const OPEN = { method: 'GET', credentials: ['none'], wording: 'problem', cors: 'none', bodyMax: 0 } as const;

/** Whether the process runs. */
export const healthz: Endpoint = {
  ...OPEN,
  path: '/healthz',
  summary: 'Says that the process runs.',
  answer: () => Promise.resolve(ok(json({ status: 'ok' }))),
};

/** Whether the process can serve: it reads its database and has its keys, and is not about to stop. */
export const readyz: Endpoint = {
  ...OPEN,
  path: '/readyz',
  summary: 'Says whether the server can serve requests now.',
  async answer(_call, server) {
    if (server.isDraining()) return fail({ error: 'shutting_down' });
    const { catalogue } = await server.store.read.moment();
    await server.keys.at(catalogue);
    return ok(json({ status: 'ready' }));
  },
};
