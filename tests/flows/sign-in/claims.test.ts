import { decideSetProfile, loadSetProfile } from '@latchkey/domain/accounts/set-profile';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  authorizePath,
  codeFlow,
  createPageBrowser,
  makePkce,
  type PageBrowser,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { type Answered, PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import { form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const SCOPE = ['openid', 'profile', 'email', 'phone', 'offline_access'];
const CLAIMS = { name: 'Alice Liddell', birthdate: '1852-05-04', phone_number: '+442079460000' };

const clock = testClock();
let world: World;
let client: Awaited<ReturnType<typeof addRelyingParty>>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  client = await addRelyingParty(world, { scope: SCOPE });
  const id = world.accountId;
  await world.at.server.commit(
    (reader) => loadSetProfile(reader, id),
    (facts, moment) => decideSetProfile(facts, { id, by: 'owner', claims: CLAIMS }, moment),
  );
});
afterAll(() => world.at.close());

const asking = (claims: object) => ({ claims: JSON.stringify(claims) });
const inIdToken = ({ body }: Answered) => {
  const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString());
  const { iss, sub, aud, azp, iat, exp, at_hash, nonce, auth_time, amr, acr, sid, ...person } = claims;
  return person;
};
const userinfo = async ({ body }: Answered) => {
  const { sub, ...claims } = (await world.get('/oauth/userinfo', { authorization: `Bearer ${body.access_token}` }))
    .body;
  expect(sub).toBe(world.accountId);
  return claims;
};
const PROFILE = {
  preferred_username: 'alice',
  name: CLAIMS.name,
  birthdate: CLAIMS.birthdate,
  updated_at: expect.any(Number),
};

test('OIDC Core §5.4: UserInfo gives the claims of the scopes, and the ID token none of them', async () => {
  const tokens = await codeFlow(world, client, { scope: 'openid profile phone' });
  expect(await userinfo(tokens)).toEqual({
    ...PROFILE,
    phone_number: CLAIMS.phone_number,
    phone_number_verified: false,
  });
  expect(inIdToken(tokens)).toEqual({});
});

test('OIDC Core §5.4: the ID token holds them where the client wants it so', async () => {
  const wanting = await addRelyingParty(world, { scope: SCOPE, hasScopeClaimsInIdToken: true });
  expect(inIdToken(await codeFlow(world, wanting, { scope: 'openid profile' }))).toEqual(PROFILE);
});

test('OIDC-10 OIDC Core §5.5: a claim that is asked for stands where it was asked for, after a refresh too', async () => {
  const claims = {
    id_token: { name: null, email: { essential: true }, shoe_size: null },
    userinfo: { phone_number: null },
  };
  const tokens = await codeFlow(world, client, asking(claims));
  expect(tokens.body.scope).toBe('openid profile email phone');
  expect(inIdToken(tokens)).toEqual({ name: CLAIMS.name });
  expect(await userinfo(tokens)).toMatchObject({ name: CLAIMS.name, phone_number: CLAIMS.phone_number });
  const fields = { grant_type: 'refresh_token', refresh_token: String(tokens.body.refresh_token) };
  const again = await read(await world.at.fetch('/oauth/token', form(fields, { authorization: client.basic })));
  expect([again.status, inIdToken(again)]).toEqual([200, { name: CLAIMS.name }]);
});

test('OIDC-10: what the client may not ask for by its scope, it does not get by its name', async () => {
  const narrow = await addRelyingParty(world, { scope: ['openid', 'email'] });
  const wish = { name: { essential: true }, phone_number: null };
  const tokens = await codeFlow(world, narrow, asking({ id_token: wish, userinfo: wish }));
  expect([tokens.status, tokens.body.scope]).toEqual([200, 'openid']);
  expect([inIdToken(tokens), await userinfo(tokens)]).toEqual([{}, {}]);
});

/** Signs in, up to the page of consent. */
async function consentPageOf(browser: PageBrowser, more: Readonly<Record<string, string>>, of = client) {
  const first = await browser.get(authorizePath(requestOf(of.row, makePkce().challenge, more)));
  if (first.location?.includes('/signin?') !== true) return first;
  const page = await browser.get(first.location);
  const sent = await browser.submit(page, { username: 'alice', password: PASSWORD });
  return browser.get(sent.location ?? '');
}

test('AUT-12, OIDC-10: the page of consent names the scope of a claim that is asked for by its name', async () => {
  const asked = await addRelyingParty(world, { scope: SCOPE });
  const browser = createPageBrowser(world.at);
  const more = asking({ userinfo: { phone_number: null } });
  const page = await consentPageOf(browser, more, asked);
  expect(page.text).toContain('name="decision"');
  expect(page.text).toMatch(/[Tt]elephone|[Pp]hone/);
  expect(page.text).not.toMatch(/birth|profile/i);
  await browser.submit(page, { decision: 'deny' });
  const silent = await browser.get(
    authorizePath(requestOf(asked.row, makePkce().challenge, { ...more, prompt: 'none' })),
  );
  expect(new URL(silent.location ?? '').searchParams.get('error')).toBe('consent_required');
});

test('META-03: the document names the scopes and claims that there are, and that claims may be asked for', async () => {
  const { body } = await world.get('/.well-known/openid-configuration', {});
  expect(body.claims_parameter_supported).toBe(true);
  expect(body.scopes_supported).toEqual(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']);
  expect(body.claims_supported).toEqual(
    expect.arrayContaining(['name', 'preferred_username', 'address', 'phone_number_verified', 'updated_at']),
  );
});
