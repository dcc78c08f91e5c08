import type { ResourceIdentifier } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { proved } from '../clients/client.ts';
import {
  type ClientCredentialsCommand,
  type ClientCredentialsFacts,
  decideClientCredentials,
} from './client-credentials.ts';

const moment = { now: row.after(1), position: { epoch: 5, seq: 12 }, catalogue: 1 };
const OTHER = 'https://other.example' as ResourceIdentifier;
const client = row.client(1, { version: 4, scope: ['read', 'write', 'pay'], resources: [row.API, OTHER] });
const resource = row.resource(1, { identifier: row.API, scope: ['write', 'read', 'delete'] });
const decide = (facts: Partial<ClientCredentialsFacts> = {}, command: Partial<ClientCredentialsCommand> = {}) =>
  decideClientCredentials(
    { client, resource, ...facts },
    {
      client: proved(client),
      scope: undefined,
      resources: [],
      issuer: 'https://id.example',
      hookClaims: undefined,
      ...command,
    },
    moment,
  );
const issued = (more: object = {}) => ({
  outcome: {
    ok: true,
    value: {
      access: {
        subject: client.id,
        clientId: client.id,
        resource,
        scope: ['read', 'write'],
        roles: [],
        permissions: [],
        tenant: undefined,
        custom: {},
        issuedAt: moment.now,
        pos: moment.position,
        cnf: undefined,
        person: undefined,
        apiKey: undefined,
        ...more,
      },
      refresh: undefined,
    },
  },
  expects: [],
  writes: [],
});

test('CODE-09 RFC 6749 §4.4.3: a confidential client gets an access token for itself, no refresh token, nothing stored', () => {
  expect(decide()).toEqual(issued());
  expect(decide({}, { scope: 'write' })).toEqual(issued({ scope: ['write'] }));
  const other = { ...resource, identifier: OTHER, scope: ['pay'] };
  expect(decide({ resource: other }, { resources: [OTHER] })).toEqual(issued({ resource: other, scope: ['pay'] }));
});

test('a client that stands behind its last cut-off is live', () => {
  expect(decide({ client: { ...client, cutOff: { epoch: 5, seq: 12 } } })).toEqual(issued());
});

test.each([
  ['no such client', { client: undefined }, {}, 'client_deleted'],
  ['a deleted client', { client: { ...client, version: 5, deletedAt: moment.now } }, {}, 'client_deleted'],
  ['facts older than a cut-off', { client: { ...client, cutOff: { epoch: 5, seq: 13 } } }, {}, 'client_deleted'],
  ['a client that changed since', { client: { ...client, version: 5 } }, {}, 'client_changed'],
  ['a public client', { client: { ...client, authentication: 'none' } }, {}, 'grant_type_not_allowed'],
  ['another grant type', { client: { ...client, grantTypes: ['refresh_token'] } }, {}, 'grant_type_not_allowed'],
  ['two resources', {}, { resources: [row.API, OTHER] }, 'resource_ambiguous'],
  ['no such resource', { resource: undefined }, {}, 'resource_unknown'],
  ['a resource that is not its own', { client: { ...client, resources: [] } }, {}, 'resource_unknown'],
  ['a scope that is none', {}, { scope: 'read  write' }, 'scope_malformed'],
  ['a scope that the resource lacks', {}, { scope: 'read pay' }, 'scope_not_allowed'],
  ['a scope that the client lacks', {}, { scope: 'delete' }, 'scope_not_allowed'],
] as const)('CODE-09, CODE-10, RES-02, RES-04 RFC 6749 §5.2: %s', (_, facts, command, error) => {
  expect(decide(facts, command)).toEqual({ outcome: { ok: false, error }, expects: [], writes: [] });
});

const TOO_LARGE = {
  outcome: { ok: false, error: 'access_token_too_large' },
  expects: [],
  writes: [],
  detail: expect.stringContaining('bytes'),
};

test('a token that would be larger than its resource allows is not issued, and the largest claims are named', () => {
  expect(decide({ resource: { ...resource, accessTokenBytes: 1 } })).toEqual(TOO_LARGE);
});
