import { TOKEN_EXCHANGE } from '@latchkey/protocol/token-request';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { proved } from '../clients/client.ts';
import {
  type ApiKeyExchangeCommand,
  type ApiKeyExchangeFacts,
  decideApiKeyExchange,
  loadApiKeyExchange,
} from './api-key-exchange.ts';

const moment = { now: row.after(1), position: { epoch: 5, seq: 12 }, catalogue: 1 };
const OTHER = 'https://other.example' as ResourceIdentifier;
const account = row.account(1);
const resource = row.resource(1, {
  identifier: row.API,
  scope: ['write', 'read', 'delete'],
  permissions: { clerk: ['file'] },
});
const key = row.apiKey(1, { version: 3, scope: ['read', 'write', 'forgotten'] });
const exchanger = row.client(2, {
  version: 4,
  grantTypes: [TOKEN_EXCHANGE],
  scope: ['read', 'pay'],
  resources: [row.API],
});
const owner = row.client(1);
const found = { key, account, client: undefined };
const ofClient = { key: { ...key, owner: owner.id }, account: undefined, client: owner };
const goodUntil = row.after(90_000);

const facts: ApiKeyExchangeFacts = {
  found,
  client: undefined,
  resource,
  roles: [{ accountId: account.id, resource: row.API, role: 'clerk' }],
  metadata: { accountId: account.id, version: 1, tenant: 'south', values: {} },
};
const decide = (some: Partial<ApiKeyExchangeFacts> = {}, command: Partial<ApiKeyExchangeCommand> = {}) =>
  decideApiKeyExchange(
    { ...facts, ...some },
    {
      key: { id: key.id, version: 3, goodUntil },
      client: undefined,
      scope: undefined,
      resources: [],
      audience: undefined,
      issuer: 'https://id.example',
      hookClaims: undefined,
      ...command,
    },
    moment,
  );
const issued = (more: object = {}, apiKey: object = {}) => ({
  outcome: {
    ok: true,
    value: {
      access: {
        subject: account.id,
        clientId: key.id,
        resource,
        scope: ['read', 'write'],
        roles: ['clerk'],
        permissions: ['file'],
        tenant: 'south',
        custom: {},
        issuedAt: moment.now,
        pos: moment.position,
        cnf: undefined,
        person: undefined,
        apiKey: { id: key.id, goodUntil, act: { sub: key.id }, ...apiKey },
        ...more,
      },
      refresh: undefined,
    },
  },
  expects: [],
  writes: [],
});

test('APK-05 RFC 8693 §2.2: a key of an account is exchanged for a token of the account, in which the key acts', () => {
  expect(decide()).toEqual(issued());
  expect(decide({}, { scope: 'write', resources: [row.API], audience: resource.audience })).toEqual(
    issued({ scope: ['write'] }),
  );
  expect(decide({ found: { ...found, key: { ...key, tenant: 'north' } } })).toEqual(issued({ tenant: 'north' }));
});

test('APK-05 RFC 8693 §4.1: a client that exchanges it acts after the key, and may do no more than by itself', () => {
  const act = { sub: exchanger.id, act: { sub: key.id } };
  const by = { client: exchanger };
  const more = { clientId: exchanger.id, scope: ['read'] };
  expect(decide(by, { client: proved(exchanger) })).toEqual(issued(more, { act }));
});

test('APK-05: the key of a client acts for the client; another that exchanges it stands beside it', () => {
  const bare = { roles: [], permissions: [], tenant: undefined };
  const self = { ...bare, subject: owner.id, clientId: owner.id };
  const none = { found: ofClient, roles: [], metadata: undefined };
  expect(decide(none)).toEqual(issued(self, { act: undefined }));
  const same = { ...owner, grantTypes: [TOKEN_EXCHANGE], scope: ['read'], resources: [row.API] } as const;
  expect(decide({ ...none, client: same }, { client: proved(same) })).toEqual(
    issued({ ...self, scope: ['read'] }, { act: undefined }),
  );
  expect(decide({ ...none, client: exchanger }, { client: proved(exchanger) })).toEqual(
    issued({ ...self, clientId: exchanger.id, scope: ['read'] }, { act: { sub: exchanger.id } }),
  );
});

const ended = { at: moment.now, reason: 'leaked', by: 'server' } as const;
const by = (more: object) => ({ client: { ...exchanger, ...more } });
const as = { client: proved(exchanger) };
test.each([
  ['no such key', { found: undefined }, {}, 'subject_token_wrong'],
  ['a key that has ended', { found: { ...found, key: { ...key, ended, version: 4 } } }, {}, 'subject_token_over'],
  ['a key that has expired', { found: { ...found, key: { ...key, expiresAt: moment.now } } }, {}, 'subject_token_over'],
  ['a secret that is over', {}, { key: { id: key.id, version: 3, goodUntil: moment.now } }, 'subject_token_over'],
  [
    'a disabled owner',
    { found: { ...found, account: { ...account, disabledAt: moment.now } } },
    {},
    'subject_token_over',
  ],
  ['a key that changed', { found: { ...found, key: { ...key, version: 4 } } }, {}, 'subject_token_changed'],
  [
    'a test key',
    { found: { ...found, key: { ...key, environment: 'test' } } },
    {},
    'subject_token_environment_refused',
  ],
  ['a client that is gone', {}, as, 'client_deleted'],
  ['a deleted client', by({ deletedAt: moment.now }), as, 'client_deleted'],
  ['a client that changed', by({ version: 5 }), as, 'client_changed'],
  ['a public client', by({ authentication: 'none' }), as, 'grant_type_not_allowed'],
  ['a client without the grant', by({ grantTypes: ['refresh_token'] }), as, 'grant_type_not_allowed'],
  ['a resource that is not the client’s', by({ resources: [OTHER] }), as, 'resource_unknown'],
  ['two resources', {}, { resources: [row.API, OTHER] }, 'resource_ambiguous'],
  ['another resource', {}, { resources: [OTHER] }, 'resource_unknown'],
  ['another audience', {}, { audience: OTHER }, 'resource_unknown'],
  ['a resource that is gone', { resource: undefined }, {}, 'resource_unknown'],
  ['a scope that is none', {}, { scope: 'read  write' }, 'scope_malformed'],
  ['a scope that the key lacks', {}, { scope: 'read delete' }, 'scope_not_allowed'],
  ['a scope that the resource has forgotten', {}, { scope: 'forgotten' }, 'scope_not_allowed'],
  ['a scope that the client lacks', by({}), { ...as, scope: 'write' }, 'scope_not_allowed'],
] as const)('APK-05 RFC 8693 §2.2.2: %s', (_, some, command, error) => {
  const decided = decide(some as Partial<ApiKeyExchangeFacts>, command as Partial<ApiKeyExchangeCommand>);
  expect(decided).toEqual({ outcome: { ok: false, error }, expects: [], writes: [] });
});

test('a token that would be larger than its resource takes is refused, with what makes it so', () => {
  const small = { ...resource, accessTokenBytes: 300 };
  const { outcome, detail } = decide({ resource: small });
  expect(outcome).toEqual({ ok: false, error: 'access_token_too_large' });
  expect(detail).toContain('the largest claims:');
});

test('APK-05: it sees the key with its owner, the resource of the key, and what the owner has there', async () => {
  const read = {
    apiKey: async () => ofAccount,
    account: async () => account,
    client: async () => exchanger,
    resource: async () => resource,
    roles: async () => facts.roles,
    metadata: async () => facts.metadata,
  };
  const ofAccount = key;
  const load = (over: object, command: object) =>
    loadApiKeyExchange({ ...read, ...over } as never, { key: { id: key.id }, client: undefined, ...command } as never);
  expect(await load({}, {})).toEqual(facts);
  expect(await load({}, { client: proved(exchanger) })).toEqual({ ...facts, client: exchanger });
  const nothing = { found: undefined, client: undefined, resource: undefined, roles: [], metadata: undefined };
  expect(await load({ apiKey: async () => undefined }, {})).toEqual(nothing);
  expect(await load({ apiKey: async () => ofClient.key, client: async () => owner }, {})).toEqual({
    ...nothing,
    found: ofClient,
    resource,
  });
});
