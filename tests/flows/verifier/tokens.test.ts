import { ERRORS, type ErrorId } from '@latchkey/protocol/errors';
import { populate } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { createVerifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, bearer, encoded, partsOf, startApi } from './api.ts';

let world: ApiWorld;
let token: string;
let claims: ReturnType<typeof partsOf>['claims'];
beforeAll(async () => {
  world = await startApi();
  token = String((await world.login()).body.access_token);
  claims = partsOf(token).claims;
});
afterAll(() => world.close());

/** The whole answer to a token, as an API would send it. */
async function refused(of: string) {
  const result = await world.verifier.authenticate(bearer(of));
  if (result.ok) throw new Error('accepted');
  const { errorId, headers, ...rest } = result.error;
  expect(errorId).toMatch(/^api-[0-9a-z]+$/);
  return { ...rest, headers: { ...headers, 'www-authenticate': headers['www-authenticate']?.replace(errorId, 'ID') } };
}
const answerTo = (error: ErrorId) => {
  const { code, disclose, description } = ERRORS[error];
  const told = disclose ? `, error_description="${description}"` : '';
  return {
    error,
    status: 401,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'www-authenticate': `Bearer realm="${world.api.row.audience}", error="${code}"${told}, error_id="ID"`,
    },
    body: { error: code, ...(disclose ? { error_description: description } : {}), error_id: expect.any(String) },
  };
};
const now = () => Math.floor(Date.now() / 1000);

test('a person’s token and a machine’s are accepted, and told apart', async () => {
  const client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const machine = String((await (await world.at.fetch('/oauth/token', asked)).json()).access_token);
  const [person, service] = [await world.verifier.verify(token), await world.verifier.verify(machine)];
  expect(person).toMatchObject({
    ok: true,
    value: { principal: { kind: 'account', issuer: world.at.issuer, subject: world.accountId }, stale: false },
  });
  expect(service).toMatchObject({
    ok: true,
    value: { principal: { kind: 'client', issuer: world.at.issuer, subject: client.row.id } },
  });
});

test('RSV-12 RFC 9700 §4.15: a client cannot have the id of an account, nor pass for one by its name', async () => {
  const client = await addClient(world.at.server, { name: 'alice', resources: [world.api.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const machine = String((await (await world.at.fetch('/oauth/token', asked)).json()).access_token);
  const result = await world.verifier.verify(machine);
  expect(result).toMatchObject({ value: { principal: { kind: 'client' }, claims: { sub: client.row.id } } });
  expect([client.row.id.slice(0, 4), world.accountId.slice(0, 4)]).toEqual(['cli_', 'acc_']);
  expect(result.ok && [result.value.claims.sid, result.value.claims.fid, result.value.claims.auth_time]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

describe('RSV-02 RFC 6750 §3.1: signed by the server’s own key, and refused', () => {
  const table: readonly (readonly [ErrorId, string, () => object])[] = [
    ['token_expired', 'past its time', () => ({ exp: now() - 31 })],
    ['token_not_yet_valid', 'before its time', () => ({ nbf: now() + 60 })],
    ['token_not_yet_valid', 'issued in the future', () => ({ iat: now() + 60 })],
    ['token_issuer_wrong', 'of another issuer', () => ({ iss: 'https://other.example' })],
    ['token_issuer_wrong', 'of the issuer with a slash', () => ({ iss: `${world.at.issuer}/` })],
    ['token_audience_wrong', 'for another API', () => ({ aud: 'https://other.example' })],
    ['token_audience_wrong', 'for the server itself', () => ({ aud: world.at.issuer })],
    ['token_audience_wrong', 'for nobody', () => ({ aud: [] })],
    ['token_claims_invalid', 'with a time in milliseconds', () => ({ exp: Date.now() + 300_000 })],
    ['token_claims_invalid', 'without an end', () => ({ exp: undefined })],
    ['token_claims_invalid', 'of nobody', () => ({ sub: undefined })],
    ['token_sender_unproved', 'bound to a key', () => ({ cnf: { jkt: 'x' } })],
  ];
  test.each(table)('%s: %s', async (error, _, change) => {
    expect(await refused(await world.sign({ ...claims, ...change() }))).toEqual(answerTo(error));
  });

  test.each(['JWT', 'logout+jwt', 'token-introspection+jwt', 'dpop+jwt', ''])(
    'INT-09 RFC 9701 §8.1: another type of token: "%s"',
    async (typ) => {
      expect(await refused(await world.sign(claims, typ))).toEqual(answerTo('token_type_wrong'));
    },
  );
});

describe('not signed by it', () => {
  const table: readonly (readonly [ErrorId, string, () => string])[] = [
    ['token_malformed', 'no JWT', () => 'x'],
    ['token_malformed', 'a refresh token', () => 'lk_rt_x'],
    ['token_malformed', 'cut off', () => token.slice(0, token.lastIndexOf('.'))],
    ['token_too_large', 'too long', () => `${token}${'A'.repeat(16_384)}`],
    ['token_key_unknown', 'a key that it does not have', () => withHeader({ kid: 'other' })],
    ['token_algorithm_refused', 'no algorithm', () => withHeader({ alg: 'none' })],
    ['token_algorithm_refused', 'another algorithm', () => withHeader({ alg: 'HS256' })],
    ['token_critical_header', 'an extension', () => withHeader({ crit: ['x'] })],
    [
      'token_signature_invalid',
      'other claims',
      () => {
        const { head, signature } = partsOf(token);
        return `${head}.${encoded({ ...claims, sub: 'acc_admin' })}.${signature}`;
      },
    ],
    [
      'token_signature_invalid',
      'other claims and an old end: nothing is told of them',
      () => {
        const { head, signature } = partsOf(token);
        return `${head}.${encoded({ ...claims, exp: 1 })}.${signature}`;
      },
    ],
  ];
  const withHeader = (change: object) => {
    const { header, payload, signature } = partsOf(token);
    return `${encoded({ ...header, ...change })}.${payload}.${signature}`;
  };
  test.each(table)('%s: %s', async (error, _, made) => {
    expect(await refused(made())).toEqual(answerTo(error));
  });
});

test('KEY-09 RFC 8725 §3.8: a token of another deployment is refused, whatever it says of itself', async () => {
  const other = await populate(await startTestServer());
  try {
    const theirs = String((await other.login()).body.access_token);
    expect(await refused(theirs)).toEqual(answerTo('token_key_unknown'));
    expect(await refused(await world.sign(claims, 'at+jwt', other.at))).toEqual(answerTo('token_key_unknown'));
    const { payload, signature } = partsOf(theirs);
    expect(await refused(`${partsOf(token).head}.${payload}.${signature}`)).toEqual(
      answerTo('token_signature_invalid'),
    );
  } finally {
    await other.at.close();
  }
});

test('no answer to a bad token tells which of our checks it failed, but for its time', async () => {
  const bad = [
    await world.sign({ ...claims, aud: 'other' }),
    await world.sign({ ...claims, cnf: {} }),
    `${token}A`,
    'x',
  ];
  const seen = await Promise.all(bad.map(refused));
  const [first] = seen.map(({ status, headers, body: { error_id: _, ...body } }) => ({ status, headers, body }));
  for (const {
    status,
    headers,
    body: { error_id: _, ...body },
  } of seen)
    expect({ status, headers, body }).toEqual(first);
});

test('the clock of an API may differ from the server’s by the leeway', async () => {
  const apart = async (seconds: number) => {
    const verifier = await world.addVerifier({ now: () => Date.now() + seconds * 1000 });
    const fresh = await world.sign({ ...claims, iat: now(), exp: now() + 300 });
    const result = await verifier.verify(fresh);
    return result.ok ? 'ok' : result.error;
  };
  expect([await apart(-20), await apart(20), await apart(-40), await apart(400)]).toEqual([
    'ok',
    'ok',
    'token_not_yet_valid',
    'token_expired',
  ]);
});

test('keys_unavailable: without the server nothing is accepted, and it is 503', async () => {
  const down = await populate(await startTestServer());
  const { issuer } = down.at;
  const verifier = createVerifier({ issuer, audience: down.api.row.audience, onStale: 'reject', name: 'down' });
  try {
    const away = await verifier.authenticate(bearer(token));
    const { description } = ERRORS.keys_unavailable;
    expect(away).toEqual({
      ok: false,
      error: {
        error: 'keys_unavailable',
        errorId: expect.stringMatching(/^down-/),
        status: 503,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'retry-after': '1' },
        body: { error: 'temporarily_unavailable', error_description: description, error_id: expect.any(String) },
      },
    });
  } finally {
    verifier.close();
    await down.at.close();
  }
});
