import { type LogoutReceiver, startLogoutReceiver } from '@latchkey/testkit/logout-receiver';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Plan, startPlan } from './plan.ts';

// oidcc-backchannel-rp-initiated-logout-certification-test-plan

const AFTER = 'https://rp.example/after';
let receiver: LogoutReceiver;
let plan: Plan;
beforeAll(async () => {
  receiver = await startLogoutReceiver();
  plan = await startPlan(
    {},
    { postLogoutRedirectUris: [AFTER], backchannelLogoutUri: `${receiver.origin}/backchannel_logout` },
    { fetchAllow: receiver.origin },
  );
});
afterAll(async () => {
  await plan.close();
  receiver.close();
});

test('oidcc-backchannel-logout-discovery-endpoint-verification: the document says that it is done, with sessions', async () => {
  const { issuer } = plan.world.at;
  const { body } = await plan.world.get('/.well-known/openid-configuration', {});
  expect([
    body.issuer,
    body.backchannel_logout_supported,
    body.backchannel_logout_session_supported,
    body.end_session_endpoint,
  ]).toEqual([issuer, true, true, `${issuer}/oauth/logout`]);
});

test('oidcc-backchannel-rp-initiated-logout: the client is told by POST, the browser comes back, prompt=none fails', async () => {
  const browser = plan.newBrowser();
  const tokens = await plan.tokens(browser);
  const { claims, header } = await plan.prove(tokens);
  const fields = { id_token_hint: String(tokens.body.id_token), post_logout_redirect_uri: AFTER, state: 'the state' };
  const seen = await browser.get(`/oauth/logout?${new URLSearchParams(fields).toString()}`);
  expect([seen.status, seen.location]).toEqual([303, `${AFTER}?state=the+state`]);

  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), { timeout: 8_000 });
  const [received] = receiver.received;
  expect([received?.path, received?.headers['content-type']]).toEqual([
    '/backchannel_logout',
    'application/x-www-form-urlencoded',
  ]);
  const proven = await jwtVerify(String(received?.fields.get('logout_token')), createLocalJWKSet(await plan.keys()), {
    issuer: plan.world.at.issuer,
    audience: plan.client.row.id,
    typ: 'logout+jwt',
    currentDate: new Date(plan.clock.now()),
    requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
  });
  expect([proven.protectedHeader.alg, proven.protectedHeader.kid]).toEqual([header.alg, header.kid]);
  const { payload } = proven;
  expect([payload.sub, payload.sid, 'nonce' in payload]).toEqual([claims.sub, claims.sid, false]);
  expect(payload.events).toEqual({ 'http://schemas.openid.net/event/backchannel-logout': {} });
  expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(120);

  expect(plan.answerOf(await plan.visit(browser, { prompt: 'none' })).error).toBe('login_required');
});
