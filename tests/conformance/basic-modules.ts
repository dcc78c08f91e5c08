import { addRelyingParty, CALLBACK, makePkce, redeem } from '@latchkey/testkit/code-flow';
import { read } from '@latchkey/testkit/people';
import { form } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Parameters, PERSON, type Plan, PROFILE, startPlan } from './plan.ts';

/** The modules of the Basic plan, which the Form Post plan runs once more over its own response mode. */
export function basicModules(always: Parameters = {}): void {
  let plan: Plan;
  beforeAll(async () => {
    plan = await startPlan(always);
  });
  afterAll(() => plan.close());

  /** The whole flow in a new browser, whose ID token must be good. */
  async function flow(more: Parameters = {}) {
    const browser = plan.newBrowser();
    const tokens = await plan.tokens(browser, more);
    expect(tokens.status).toBe(200);
    return { browser, tokens, ...(await plan.prove(tokens)) };
  }
  /** What UserInfo says of the person under these scopes. */
  async function claimsUnder(scope: string) {
    const { tokens } = await flow({ scope });
    expect(tokens.body.scope).toBe(scope);
    const { sub, ...claims } = (await plan.userinfo(tokens)).body;
    expect(sub).toBe(plan.personId);
    return claims;
  }

  // left out, as they are of the Dynamic plan only: oidcc-idtoken-rs256, oidcc-userinfo-rs256, oidcc-registration-*,
  // oidcc-redirect-uri-*, oidcc-request-uri-unsigned, oidcc-request-uri-signed-rs256, oidcc-server-rotate-keys,
  // oidcc-refresh-token-rp-key-rotation, oidcc-ensure-client-assertion-with-iss-aud-succeeds and
  // oidcc-ensure-redirect-uri-in-authorization-request

  test('oidcc-server: the plain flow brings state, a good ID token and the same subject from UserInfo', async () => {
    const answer = await plan.authorize(plan.newBrowser());
    expect(answer).toEqual({ code: expect.any(String), state: 'the state', iss: plan.world.at.issuer });
    const tokens = await plan.redeem(answer);
    const { claims, header } = await plan.prove(tokens);
    expect(header.alg).toBe('RS256');
    expect(claims).toMatchObject({ sub: plan.personId, nonce: 'the nonce', iat: expect.any(Number) });
    expect(tokens.body.token_type).toBe('Bearer');
    expect((await plan.userinfo(tokens)).body.sub).toBe(claims.sub);
  });

  test('oidcc-response-type-missing: a request without a response type is told invalid_request', async () => {
    const answer = plan.answerOf(await plan.visit(plan.newBrowser(), { response_type: undefined }));
    expect(answer).toMatchObject({ error: 'invalid_request', state: 'the state' });
  });

  test('oidcc-idtoken-signature: an ID token is signed with RS256, by a key that its header names', async () => {
    const { header } = await flow();
    const { keys } = await plan.keys();
    expect(keys.find(({ kid }) => kid === header.kid)).toMatchObject({ kty: 'RSA' });
    expect(header.alg).toBe('RS256');
  });

  test('oidcc-idtoken-unsigned: the server does not offer unsigned ID tokens, so the module is skipped', async () => {
    const { body } = await plan.world.get('/.well-known/openid-configuration', {});
    expect(body.id_token_signing_alg_values_supported).not.toContain('none');
  });

  test('oidcc-userinfo-get: UserInfo answers GET with the token in the header', async () => {
    const { tokens } = await flow();
    const answer = await plan.userinfo(tokens);
    expect([answer.status, answer.body.sub]).toEqual([200, plan.personId]);
  });

  test.each<[string, (token: string) => RequestInit]>([
    [
      'oidcc-userinfo-post-header: UserInfo answers POST with the token in the header',
      (token) => ({ method: 'POST', headers: { authorization: `Bearer ${token}` } }),
    ],
    [
      'oidcc-userinfo-post-body: UserInfo answers POST with the token in the form',
      (token) => form({ access_token: token }),
    ],
  ])('%s', async (_, request) => {
    const { tokens } = await flow();
    const sent = request(String(tokens.body.access_token));
    const answer = await read(await plan.world.at.fetch('/oauth/userinfo', sent));
    expect([answer.status, answer.body.sub]).toEqual([200, plan.personId]);
  });

  test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow: where no nonce was sent, none comes back', async () => {
    const { claims } = await flow({ nonce: undefined });
    expect(claims).not.toHaveProperty('nonce');
  });

  const { phone_number, phone_number_verified, address, ...named } = PROFILE;
  const profile = { preferred_username: PERSON.username, ...named, updated_at: expect.any(Number) };
  const email = { email: PERSON.email, email_verified: false };
  const phone = { phone_number, phone_number_verified };

  test.each([
    ['oidcc-scope-profile: the scope profile gives the claims of the profile, with their types', 'profile', profile],
    ['oidcc-scope-email: the scope email gives the address, and says that nobody verified it', 'email', email],
    ['oidcc-scope-address: the scope address gives the address as an object', 'address', { address }],
    ['oidcc-scope-phone: the scope phone gives the number, and whether it was verified', 'phone', phone],
    [
      'oidcc-scope-all: all scopes at once give all that is known of the person',
      'profile email address phone',
      { ...profile, ...email, address, ...phone },
    ],
  ])('%s', async (_, scope, claims) => {
    expect(await claimsUnder(`openid ${scope}`)).toEqual(claims);
    const without = await addRelyingParty(plan.world, { requiresPkce: false, scope: ['openid'] });
    const refused = plan.answerOf(await plan.visit(plan.newBrowser(), { scope: `openid ${scope}` }, without));
    expect(refused).toMatchObject({ error: 'invalid_scope', state: 'the state' });
  });

  test('oidcc-alternate-happy-flow: neither scopes nor parameters have an order', async () => {
    const browser = plan.newBrowser();
    const [path = '', query = ''] = plan.path({ scope: 'email profile openid' }).split('?');
    const seen = await browser.get(`${path}?${query.split('&').reverse().join('&')}`);
    const tokens = await plan.redeem(await plan.goOn(browser, seen));
    expect((await plan.prove(tokens)).claims).toMatchObject({ sub: plan.personId, nonce: 'the nonce' });
    expect((await plan.userinfo(tokens)).body.email).toBe(PERSON.email);
  });

  test.each<[string, Parameters]>([
    ['oidcc-display-page: display=page does no harm', { display: 'page' }],
    ['oidcc-display-popup: display=popup does no harm', { display: 'popup' }],
    [
      'oidcc-ensure-request-with-unknown-parameter-succeeds: a parameter that nobody knows is ignored',
      { extra: 'foobar' },
    ],
    ['oidcc-login-hint: a hint who will sign in does no harm', { login_hint: 'buffy@example.org' }],
    ['oidcc-ui-locales: languages that the pages do not have do no harm', { ui_locales: 'se fr-CA xx' }],
    ['oidcc-claims-locales: languages of claims do no harm', { claims_locales: 'se de' }],
  ])('%s', async (_, more) => {
    expect((await flow(more)).claims.sub).toBe(plan.personId);
  });

  test('oidcc-ensure-request-with-acr-values-succeeds: of the acr_values of the document comes back the first', async () => {
    const { body } = await plan.world.get('/.well-known/openid-configuration', {});
    const values = [body.acr_values_supported].flat().slice(0, 2);
    const { claims } = await flow({ acr_values: values.join(' ') });
    expect(claims.acr).toBe(values[0]);
    expect((await flow({ acr_values: '1 2' })).claims.sub).toBe(plan.personId);
  });

  test('oidcc-prompt-login: prompt=login shows the login again and moves auth_time', async () => {
    const first = await flow();
    plan.clock.advance(30_000);
    const seen = await plan.visit(first.browser, { prompt: 'login' });
    expect((await first.browser.get(seen.location ?? '')).text).toContain('name="password"');
    const { claims } = await plan.prove(await plan.redeem(await plan.goOn(first.browser, seen)));
    expect([claims.sub, claims.auth_time]).toEqual([first.claims.sub, Number(first.claims.auth_time) + 30]);
  });

  test('oidcc-prompt-none-not-logged-in: with nobody signed in, prompt=none is told login_required', async () => {
    const answer = plan.answerOf(await plan.visit(plan.newBrowser(), { prompt: 'none' }));
    expect(answer).toMatchObject({ error: 'login_required', state: 'the state', iss: plan.world.at.issuer });
    expect(answer).not.toHaveProperty('code');
  });

  test('oidcc-prompt-none-logged-in: with somebody signed in, prompt=none shows no page and changes nothing', async () => {
    const first = await flow();
    plan.clock.advance(2000);
    const answer = plan.answerOf(await plan.visit(first.browser, { prompt: 'none' }));
    const { claims } = await plan.prove(await plan.redeem(answer));
    expect([claims.sub, claims.auth_time]).toEqual([first.claims.sub, first.claims.auth_time]);
  });

  test('oidcc-max-age-1: a sign-in of two seconds ago is too old for max_age=1', async () => {
    const first = await flow();
    plan.clock.advance(2000);
    const seen = await plan.visit(first.browser, { max_age: '1' });
    expect((await first.browser.get(seen.location ?? '')).text).toContain('name="password"');
    const { claims } = await plan.prove(await plan.redeem(await plan.goOn(first.browser, seen)));
    expect([claims.sub, claims.auth_time]).toEqual([first.claims.sub, Number(first.claims.auth_time) + 2]);
  });

  test('oidcc-max-age-10000: a sign-in of two seconds ago will do for max_age=10000', async () => {
    const first = await flow({ max_age: '10000' });
    plan.clock.advance(2000);
    const answer = plan.answerOf(await plan.visit(first.browser, { max_age: '10000' }));
    const { claims } = await plan.prove(await plan.redeem(answer));
    expect(first.claims.auth_time).toEqual(expect.any(Number));
    expect([claims.sub, claims.auth_time]).toEqual([first.claims.sub, first.claims.auth_time]);
  });

  test('oidcc-id-token-hint: a hint for the person who is signed in succeeds without a page', async () => {
    const first = await flow();
    const hint = { prompt: 'none', id_token_hint: String(first.tokens.body.id_token) };
    const answer = plan.answerOf(await plan.visit(first.browser, hint));
    const { claims } = await plan.prove(await plan.redeem(answer));
    expect(claims.sub).toBe(first.claims.sub);
  });

  test('oidcc-codereuse: a code that is used twice at once is invalid_grant', async () => {
    const answer = await plan.authorize(plan.newBrowser());
    expect((await plan.redeem(answer)).status).toBe(200);
    const again = await plan.redeem(answer);
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
  });

  test('oidcc-codereuse-30seconds: half a minute later too, and the first access token dies with it', async () => {
    const answer = await plan.authorize(plan.newBrowser());
    const tokens = await plan.redeem(answer);
    expect((await plan.userinfo(tokens)).status).toBe(200);
    plan.clock.advance(30_000);
    const again = await plan.redeem(answer);
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
    const dead = await plan.userinfo(tokens);
    expect([dead.status, dead.body.error]).toEqual([401, 'invalid_token']);
  });

  test('oidcc-ensure-registered-redirect-uri: a redirect URI that is not registered gets nobody redirected', async () => {
    const seen = await plan.visit(plan.newBrowser(), { redirect_uri: 'https://evil.example/callback' });
    expect([seen.status, seen.location, seen.text.includes('evil.example')]).toEqual([400, undefined, false]);
  });

  test('oidcc-ensure-post-request-succeeds: an authorization request may come by POST from the client’s page', async () => {
    const browser = plan.newBrowser();
    const fields = Object.fromEntries(new URLSearchParams(plan.path().split('?')[1]));
    const seen = await browser.post('/oauth/authorize', fields, { 'sec-fetch-site': 'cross-site' });
    const tokens = await plan.redeem(await plan.goOn(browser, seen));
    expect((await plan.prove(tokens)).claims).toMatchObject({ sub: plan.personId, nonce: 'the nonce' });
  });

  test('oidcc-server-client-secret-post: the whole flow works for a client that sends its secret in the form', async () => {
    const client = await addRelyingParty(plan.world, { requiresPkce: false, authentication: 'client_secret_post' });
    const { code = '' } = await plan.authorize(plan.newBrowser(), {}, client);
    plan.world.at.secrets.add('authorization code', code);
    const fields = {
      grant_type: 'authorization_code',
      redirect_uri: CALLBACK,
      client_id: client.row.id,
      client_secret: client.secret,
      code,
    };
    const tokens = await read(await plan.world.at.fetch('/oauth/token', form(fields)));
    expect((await plan.prove(tokens, client)).claims.sub).toBe(plan.personId);
    expect((await plan.userinfo(tokens)).body.sub).toBe(plan.personId);
  });

  test('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: it is refused as unsupported', async () => {
    const answer = plan.answerOf(
      await plan.visit(plan.newBrowser(), { request_uri: 'https://rp.example/request.jwt' }),
    );
    expect(answer).toMatchObject({ error: 'request_uri_not_supported', state: 'the state' });
  });

  /** An unsigned request object. */
  const objectOf = (claims: object): string =>
    [{ alg: 'none' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
      .concat('.');

  test('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: it is refused as unsupported', async () => {
    const request = objectOf({ client_id: plan.client.row.id, scope: 'openid', state: 'another state' });
    const answer = plan.answerOf(await plan.visit(plan.newBrowser(), { request }));
    expect(answer).toMatchObject({ error: 'request_not_supported', state: 'the state' });
  });

  test('oidcc-ensure-request-object-with-redirect-uri: an object that nobody reads does not say where to go', async () => {
    const { body } = await plan.world.get('/.well-known/openid-configuration', {});
    expect(body.request_parameter_supported).toBe(false);
    const outside = { redirect_uri: 'https://evil.example/callback', request: objectOf({ redirect_uri: CALLBACK }) };
    const seen = await plan.visit(plan.newBrowser(), outside);
    expect([seen.status, seen.location]).toEqual([400, undefined]);
    const inside = { request: objectOf({ redirect_uri: 'https://evil.example/callback' }) };
    const answer = plan.answerOf(await plan.visit(plan.newBrowser(), inside));
    expect(answer).toMatchObject({ error: 'request_not_supported' });
  });

  test('oidcc-claims-essential: a claim that is asked for by its name is given', async () => {
    const claims = JSON.stringify({ userinfo: { name: { essential: true } } });
    const { tokens } = await flow({ claims });
    expect((await plan.userinfo(tokens)).body).toMatchObject({ sub: plan.personId, name: PROFILE.name });
  });

  test('oidcc-refresh-token: a refresh keeps what the ID token said, and no other client may do it', async () => {
    const refresh = async (token: unknown) => {
      const fields = { grant_type: 'refresh_token', refresh_token: String(token) };
      return read(await plan.world.at.fetch('/oauth/token', form(fields, { authorization: plan.client.basic })));
    };
    for (const more of [{}, { scope: 'openid offline_access', prompt: 'consent' }]) {
      const first = await flow(more);
      plan.clock.advance(2000);
      const second = await refresh(first.tokens.body.refresh_token);
      expect(second.status).toBe(200);
      const { claims, header } = await plan.prove(second);
      const { iss, sub, aud, azp, iat, auth_time } = first.claims;
      expect(header.alg).toBe('RS256');
      expect(claims).toMatchObject({ iss, sub, aud, azp, auth_time, iat: Number(iat) + 2 });
      expect((await plan.userinfo(second)).status).toBe(200);

      const others = await plan.tokens(plan.newBrowser(), more, plan.second);
      const refused = await refresh(others.body.refresh_token);
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
    }
  });

  test('oidcc-ensure-request-with-valid-pkce-succeeds: a client that need not send PKCE may', async () => {
    const { challenge, verifier } = makePkce();
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    const { code = '' } = await plan.authorize(plan.newBrowser(), pkce);
    plan.world.at.secrets.add('authorization code', code);
    const tokens = await redeem(plan.world, plan.client, { code, code_verifier: verifier });
    expect((await plan.prove(tokens)).claims.sub).toBe(plan.personId);
  });
}
