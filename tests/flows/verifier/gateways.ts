import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSidecar } from '@latchkey/cli/sidecar/sidecar';
import { createTally } from '@latchkey/cli/sidecar/tally';
import { generateSigningKey } from '@latchkey/tokens/keys/generate';
import { importSigner } from '@latchkey/tokens/keys/node-crypto';
import type { ApiWorld } from './api.ts';
import { type Asked, ask, type Got, ROUTES, type Running } from './frameworks.ts';

/** A place where a proxy asks, in the way of nginx, what an app asks its own verifier. */
export interface Gateway extends Running {
  ask(asked: Asked): Promise<Got>;
}

/** What the app's route asks for, as the operator of a proxy writes it. */
function questionOf(path: string): string {
  const { scope, roles = [], permissions = [], maxAgeSeconds, acrValues } = ROUTES[path.replace(/\?.*/, '')] ?? {};
  const question = new URLSearchParams([['api_key_header', 'x-api-key']]);
  for (const role of roles) question.append('role', role);
  for (const permission of permissions) question.append('permission', permission);
  if (scope !== undefined) question.set('scope', scope.join(' '));
  if (maxAgeSeconds !== undefined) question.set('max_age', String(maxAgeSeconds));
  if (acrValues !== undefined) question.set('acr_values', acrValues.join(' '));
  return question.toString();
}

/** From where requests come to the proxy. */
const CLIENT = '127.0.0.9';

/** The question that a proxy makes of a request; it leaves the body where it is, and says from where the request came. */
const forwarded = ({ path, method = 'GET', headers = [] }: Asked, resource: string): Asked => ({
  path: `/verify/${resource}?${questionOf(path)}`,
  method: method === 'HEAD' ? 'HEAD' : 'GET',
  headers: [...headers, 'x-forwarded-for', CLIENT, 'x-original-method', method, 'x-original-uri', path],
});

const asking = (running: Running, { api }: ApiWorld): Gateway => ({
  ...running,
  ask: (asked) => ask(running.port, forwarded(asked, api.row.id)),
});

/** The server itself, of which this machine is a named proxy. */
const onServer = async (world: ApiWorld): Promise<Gateway> =>
  asking({ port: world.at.server.settings.port, close: async () => {} }, world);

const onSidecar = async (world: ApiWorld): Promise<Gateway> => {
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  const server: Server = createServer(
    createSidecar({
      verifier: world.verifier,
      tally: createTally(),
      resource: world.api.row.id,
      audience: world.api.row.audience,
      issuer: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      key: { jwk, signer: importSigner('ES256', jwk.kid, pkcs8) },
      peers: { mayAsk: () => true, isProxy: (address) => address === '127.0.0.1' },
      isReady: () => true,
      now: () => world.at.server.now(),
      log: { info: () => {} },
    }),
  );
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return asking({ port: (server.address() as AddressInfo).port, close }, world);
};

export const GATEWAYS: Readonly<Record<string, (world: ApiWorld) => Promise<Gateway>>> = {
  'the server’s /verify': onServer,
  'the sidecar': onSidecar,
};
