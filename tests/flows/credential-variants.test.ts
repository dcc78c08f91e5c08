import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import type { AccountId, ClientId, ResourceId } from '@latchkey/protocol/types';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { ROUTES } from '@latchkey/server/routes';
import type { CredentialKind, Endpoint } from '@latchkey/server/server';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { testClock } from '@latchkey/testkit/clock';
import { addClient, addResource, form } from '@latchkey/testkit/test-server';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Credentials, isRefused, type Presented, type Reception, startCredentials } from './credentials.ts';

/** Credentials that were good once, or are good elsewhere, or nearly: at every route that takes their kind. */
const clock = testClock();
let all: Credentials;
let elsewhere: Credentials;
beforeAll(async () => {
  all = await startCredentials({ now: clock.now });
  elsewhere = await startCredentials({ now: clock.now });
});
afterAll(async () => {
  await all.world.at.close();
  await elsewhere.world.at.close();
});

const write = (...writes: readonly Write[]) =>
  all.world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );

/** Another character in the place of one near the end of a secret, where no bit of base64 is idle. */
const spoilt = (text: string): string => {
  const at = text.length - 6;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
};
const spoiltBasic = (basic: string): string =>
  `Basic ${Buffer.from(spoilt(Buffer.from(basic.slice(6), 'base64').toString())).toString('base64')}`;
const inCookie = (name: string) => (cookies: string) =>
  cookies.replace(new RegExp(`(${name}=)([^;]*)`), (_, key: string, value: string) => key + spoilt(value));

/** The same credential with one header or field changed. */
const changed =
  (kind: CredentialKind, part: 'headers' | 'fields', name: string, change: (text: string) => string) => async () => {
    const presented = await all.make(kind);
    return { ...presented, [part]: { ...presented[part], [name]: change(presented[part]?.[name] ?? '') } };
  };
const foreign = (kind: CredentialKind) => () => elsewhere.make(kind);
const after = (kind: CredentialKind, seconds: number) => async () => {
  const presented = await all.make(kind);
  clock.advance(seconds * 1000);
  return presented;
};
/** After its person has ended all sessions. */
const ended = (kind: CredentialKind) => async () => {
  const presented = await all.make(kind);
  const { at, accountId } = all.world;
  const live = await at.server.store.read.liveSessions(accountId, clock.now());
  const end = { at: clock.now(), reason: 'ended_by_owner', by: accountId } as const;
  await write(...live.map(({ id }): Write => ({ kind: 'session.end', id, ended: end })));
  return presented;
};
/** After the end of the one secret of its owner. */
async function withoutSecret(
  { row, basic }: { readonly row: { readonly id: ClientId | ResourceId }; readonly basic: string },
  kind: 'secret.expire' | 'secret.remove',
): Promise<Presented> {
  const secrets = await all.world.at.server.store.read.secrets(row.id);
  await write(...secrets.map(({ id }) => ({ kind, id, at: clock.now() })));
  return { headers: { authorization: basic } };
}
const newClient = () => addClient(all.world.at.server, { resources: [all.world.api.row.identifier] });
const deleted = (id: ClientId) => write({ kind: 'client.delete', id, at: clock.now() });
const newKey = (owner: AccountId | ClientId = all.world.accountId, resource = all.world.api.row.identifier) =>
  addApiKey(all.world.at, { owner, resource });
/** As it stands in a header, and in the form of an exchange. */
const asKey = (text: string): Presented => ({
  headers: { authorization: `Bearer ${text}` },
  fields: { subject_token: text },
});
const DAY = 86_400;

type Variants = Readonly<Record<string, () => Promise<Presented>>>;
const VARIANTS: Readonly<Record<Exclude<CredentialKind, 'none'>, Variants>> = {
  client: {
    wrong: changed('client', 'headers', 'authorization', spoiltBasic),
    foreign: foreign('client'),
    'with a secret that has expired': async () => withoutSecret(await newClient(), 'secret.expire'),
    'with a secret that was removed': async () => withoutSecret(await newClient(), 'secret.remove'),
    deleted: async () => {
      const { row, basic } = await newClient();
      await deleted(row.id);
      return { headers: { authorization: basic } };
    },
  },
  public_client: {
    foreign: foreign('public_client'),
    deleted: async () => {
      const { row } = await addClient(all.world.at.server, { authentication: 'none', firstParty: true });
      await deleted(row.id);
      return { fields: { ...(await all.make('public_client')).fields, client_id: row.id } };
    },
  },
  resource_server: {
    wrong: changed('resource_server', 'headers', 'authorization', spoiltBasic),
    foreign: foreign('resource_server'),
    'with a secret that has expired': async () =>
      withoutSecret(await addResource(all.world.at.server), 'secret.expire'),
    'with a secret that was removed': async () =>
      withoutSecret(await addResource(all.world.at.server), 'secret.remove'),
  },
  refresh_token: {
    wrong: changed('refresh_token', 'fields', 'refresh_token', spoilt),
    foreign: foreign('refresh_token'),
    expired: after('refresh_token', 14 * DAY),
    ended: ended('refresh_token'),
  },
  refresh_cookie: {
    wrong: changed('refresh_cookie', 'headers', 'cookie', inCookie('__Host-latchkey-refresh')),
    foreign: foreign('refresh_cookie'),
    expired: after('refresh_cookie', DAY),
    ended: ended('refresh_cookie'),
  },
  session_cookie: {
    wrong: changed('session_cookie', 'headers', 'cookie', inCookie('__Host-latchkey-session')),
    foreign: foreign('session_cookie'),
    expired: after('session_cookie', DAY),
    ended: ended('session_cookie'),
  },
  authorization_code: {
    wrong: changed('authorization_code', 'fields', 'code', spoilt),
    foreign: foreign('authorization_code'),
    expired: after('authorization_code', 60),
    'of a session that has ended': ended('authorization_code'),
    used: async () => {
      const { fields } = await all.make('authorization_code');
      const grant = { grant_type: 'authorization_code', client_id: all.relyingParty.row.id };
      expect((await all.world.at.fetch('/oauth/token', form({ ...grant, ...fields }))).status).toBe(200);
      return { fields: fields ?? {} };
    },
  },
  access_token_issuer: {
    wrong: changed('access_token_issuer', 'headers', 'authorization', spoilt),
    foreign: foreign('access_token_issuer'),
    expired: after('access_token_issuer', 361),
    ended: ended('access_token_issuer'),
  },
  access_token_openid: {
    wrong: changed('access_token_openid', 'headers', 'authorization', spoilt),
    foreign: foreign('access_token_openid'),
    expired: after('access_token_openid', 361),
    ended: ended('access_token_openid'),
  },
  access_token_admin: {
    wrong: changed('access_token_admin', 'headers', 'authorization', spoilt),
    foreign: foreign('access_token_admin'),
    expired: after('access_token_admin', 361),
    'of a client that was deleted': async () => {
      const { server, issuer } = all.world.at;
      const { row, basic } = await addClient(server, { scope: ADMIN_SCOPES, resources: [adminApiOf(issuer)] });
      const asked = { grant_type: 'client_credentials', resource: adminApiOf(issuer) };
      const answer = await all.world.at.fetch('/oauth/token', form(asked, { authorization: basic }));
      await deleted(row.id);
      return { headers: { authorization: `Bearer ${(await answer.json()).access_token}` } };
    },
  },
  access_token_api: {
    wrong: changed('access_token_api', 'headers', 'authorization', spoilt),
    foreign: foreign('access_token_api'),
    expired: after('access_token_api', 361),
    ended: ended('access_token_api'),
  },
  opaque_token: {
    wrong: changed('opaque_token', 'headers', 'authorization', spoilt),
    foreign: foreign('opaque_token'),
    expired: after('opaque_token', 361),
  },
  api_key: {
    wrong: async () => asKey(encodeApiKey((await newKey()).row.id, 'live', new Uint8Array(32))),
    foreign: foreign('api_key'),
    expired: after('api_key', 90 * DAY),
    ended: async () => {
      const { row, text } = await newKey();
      await write({ kind: 'api_key.end', id: row.id, ended: { at: clock.now(), reason: 'leaked', by: 'server' } });
      return asKey(text);
    },
    'of an owner that was deleted': async () => {
      const { row } = await newClient();
      const { text } = await newKey(row.id);
      await deleted(row.id);
      return asKey(text);
    },
    'for another resource': async () => {
      const other = await addResource(all.world.at.server);
      const { text } = await newKey(all.world.accountId, other.row.identifier);
      const { headers } = asKey(text);
      return { headers: headers ?? {}, fields: { subject_token: text, resource: all.world.api.row.identifier } };
    },
  },
  metrics_token: { wrong: changed('metrics_token', 'headers', 'authorization', spoilt) },
};

/** A login is a name and a password, and is refused as that; all else as in the matrix. */
const isTurnedAway = (route: Endpoint, answer: Reception): boolean =>
  route.path === '/api/login' ? [400, 401].includes(answer.status) : isRefused(route, answer);

/** To log out what has ended is no mistake. */
const isOver = ({ path }: Endpoint, variant: string): boolean =>
  path === '/api/logout' && (variant === 'ended' || variant === 'expired');

const cases = Object.entries(VARIANTS).flatMap(([kind, variants]) =>
  Object.entries(variants).flatMap(([variant, make]) =>
    ROUTES.filter(({ credentials }) => credentials.some((one) => one === kind))
      .filter((route) => !isOver(route, variant))
      .map((route) => [`${route.method} ${route.path}`, kind, variant, route, make] as const),
  ),
);

test.each(cases)('attack 8.10, 8.33, SES-03: %s refuses a %s that is %s', async (_, __, ___, route, make) => {
  const answer = await all.present(route, await make());
  expect([answer, isTurnedAway(route, answer)]).toEqual([answer, true]);
});
