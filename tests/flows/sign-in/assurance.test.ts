import type { Client } from '@latchkey/domain/clients/client';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  createPageBrowser,
  goThrough,
  makePkce,
  type PageBrowser,
  redeem,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { type Answered, populate, read, PASSWORD as TYPED, type World } from '@latchkey/testkit/people';
import { form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const [PASSWORD, RECENT] = ['urn:latchkey:acr:password', 'urn:latchkey:acr:password:recent'] as const;

const clock = testClock();
let world: World;
let client: WithSecret<Client>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  client = await addRelyingParty(world);
});
afterAll(() => world.at.close());

type Parameters = Readonly<Record<string, string>>;
let visitors = 0;
const newBrowser = () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);
const { challenge, verifier } = makePkce();
const visit = (browser: PageBrowser, more: Parameters = {}) =>
  browser.get(authorizePath(requestOf(client.row, challenge, { scope: 'openid read', ...more })));
const essential = (...values: readonly string[]): Parameters => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
});

const claimsIn = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
/** What a redemption or a refresh says of the sign-in, in both tokens. */
function said({ body }: Answered) {
  const [access, identity] = [claimsIn(body.access_token), claimsIn(body.id_token)];
  const of = ({ acr, amr, auth_time }: typeof access) => ({ acr, amr, auth_time });
  expect(of(access)).toEqual(of(identity));
  return of(access);
}
async function tokens(browser: PageBrowser, more: Parameters = {}): Promise<Answered> {
  const code = String(answerIn(await goThrough(browser, await visit(browser, more))).get('code'));
  world.at.secrets.add('authorization code', code);
  return redeem(world, client, { code, code_verifier: verifier });
}
const refresh = async ({ body }: Answered) => {
  const fields = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
  return read(await world.at.fetch('/oauth/token', form(fields, { authorization: client.basic })));
};

test('OIDC-12, INT-05 RFC 9470 §6: both tokens say which level the sign-in has, and so does introspection', async () => {
  const browser = newBrowser();
  const first = await tokens(browser);
  expect(said(first)).toEqual({ acr: RECENT, amr: ['pwd'], auth_time: expect.any(Number) });
  const asked = form({ token: String(first.body.access_token) }, { authorization: world.api.basic });
  const told = await read(await world.at.fetch('/oauth/introspect', asked));
  expect(told.body).toMatchObject({ active: true, acr: RECENT, auth_time: said(first).auth_time });
  clock.advance(300_000);
  expect(said(await tokens(browser)).acr).toBe(RECENT);
  clock.advance(1_000);
  expect(said(await tokens(browser))).toEqual({ ...said(first), acr: PASSWORD });
});

test('RSV-11 RFC 9470 §4: who asks for a level that the session has not makes the person prove it again', async () => {
  const browser = newBrowser();
  const before = said(await tokens(browser));
  clock.advance(301_000);
  const seen = await visit(browser, { acr_values: `urn:none:such ${RECENT}` });
  expect(seen.location).toMatch(/\/signin\?login=att_/);
  const page = await browser.get(seen.location ?? '');
  expect(page.text).toContain('alice');
  const code = String(answerIn(await goThrough(browser, page)).get('code'));
  world.at.secrets.add('authorization code', code);
  const after = said(await redeem(world, client, { code, code_verifier: verifier }));
  expect(after).toEqual({ ...before, acr: RECENT, auth_time: before.auth_time + 301 });
});

test.each([
  ['a level that the session has', PASSWORD, PASSWORD],
  ['one of several that it has', `${RECENT} ${PASSWORD}`, PASSWORD],
  ['levels that nobody can reach', 'urn:none:such phr', PASSWORD],
])('RSV-11 OIDC Core §3.1.2.1: %s stops nobody', async (_, acr_values, acr) => {
  const browser = newBrowser();
  await tokens(browser);
  clock.advance(301_000);
  const seen = await visit(browser, { acr_values });
  const code = String(answerIn(seen).get('code'));
  world.at.secrets.add('authorization code', code);
  expect(said(await redeem(world, client, { code, code_verifier: verifier })).acr).toBe(acr);
});

test('OIDC-12: a level that was asked for is what the tokens say, though the sign-in has a stronger one', async () => {
  expect(said(await tokens(newBrowser(), { acr_values: PASSWORD })).acr).toBe(PASSWORD);
});

test('RSV-11, OIDC-06: prompt=none is not stopped by a wish, and is told that an essential level needs a page', async () => {
  const browser = newBrowser();
  await tokens(browser);
  clock.advance(301_000);
  const silent = async (more: Parameters) => answerIn(await visit(browser, { prompt: 'none', ...more }));
  expect((await silent({ acr_values: RECENT })).has('code')).toBe(true);
  expect((await silent(essential(PASSWORD))).has('code')).toBe(true);
  expect((await silent(essential(RECENT))).get('error')).toBe('login_required');
  expect((await silent(essential('phr'))).get('error')).toBe('unmet_authentication_requirements');
});

test('OIDC-10 OIDC Core §5.5.1.1: an essential level is reached by a new sign-in, or the client is told', async () => {
  const browser = newBrowser();
  await tokens(browser);
  clock.advance(301_000);
  expect((await visit(browser, essential(RECENT))).location).toMatch(/\/signin\?/);
  expect(said(await tokens(browser, essential('phr', RECENT))).acr).toBe(RECENT);
  const refused = answerIn(await visit(newBrowser(), essential('phr', 'phrh')));
  expect([refused.get('error'), refused.get('state')]).toEqual(['unmet_authentication_requirements', 'the state']);
});

test('RSV-11 RFC 9470 §5: an essential level that was lost on the page of consent is proved again', async () => {
  const asked = await addRelyingParty(world);
  const browser = newBrowser();
  const path = authorizePath(requestOf(asked.row, challenge, essential(RECENT)));
  const signIn = await browser.get((await browser.get(path)).location ?? '');
  const { location } = await browser.submit(signIn, { username: 'alice', password: TYPED });
  const consent = await browser.get(location ?? '');
  clock.advance(301_000);
  const late = await browser.submit(consent, { decision: 'allow' });
  expect(late.location).toMatch(/\/signin\?/);
  expect(answerIn(await goThrough(browser, late)).has('code')).toBe(true);
});

test('RSV-11 OIDC Core §12.2: a refresh never raises a level, whatever its session has seen since, and lowers it in time', async () => {
  const browser = newBrowser();
  const first = await tokens(browser);
  clock.advance(299_000);
  const second = await refresh(first);
  expect(said(second)).toEqual(said(first));
  clock.advance(2_000);
  const third = await refresh(second);
  expect(said(third)).toEqual({ ...said(first), acr: PASSWORD });
  expect(said(await tokens(browser, { prompt: 'login' })).acr).toBe(RECENT);
  expect(said(await refresh(third))).toEqual({ ...said(first), acr: PASSWORD });
});

test('OIDC-12: a login by the first-party API says its level, too', async () => {
  expect(claimsIn((await world.login()).body.access_token).acr).toBe(RECENT);
});

test('META-03: the document names the levels that can be reached', async () => {
  const { body } = await world.get('/.well-known/openid-configuration', {});
  expect(body.acr_values_supported).toEqual([PASSWORD, RECENT]);
  expect(body.claims_supported).toContain('acr');
});

test('levels are a setting; one that nobody can reach is not in the document, and without any there is no acr', async () => {
  const levels = [
    { value: 'basic', amr: ['pwd'] },
    { value: 'strong', amr: ['pwd', 'otp'] },
  ];
  for (const [text, values, acr] of [
    [JSON.stringify(levels), ['basic'], 'basic'],
    ['[]', undefined, undefined],
  ] as const) {
    const other = await populate(await startTestServer({ settings: { acrLevels: text } }));
    try {
      const { body } = await other.get('/.well-known/openid-configuration', {});
      expect(body.acr_values_supported).toEqual(values);
      expect(claimsIn((await other.login()).body.access_token).acr).toBe(acr);
    } finally {
      await other.at.close();
    }
  }
});
