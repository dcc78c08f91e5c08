import { createServer, type Server as HttpServer } from 'node:http';
import type { Client } from '@latchkey/domain/clients/client';
import { addRelyingParty } from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { freePort, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from './chromium.ts';

/** Real clients, a real browser, and nothing between them and the pages. */
const executable = findChromium();

/** A client's own server: it notes with what the browser comes back. */
interface Callback {
  readonly uri: string;
  /** The next request at the redirect URI: its URL and its form. */
  next(): Promise<{ readonly url: URL; readonly body: string }>;
  close(): void;
}

async function listenForCallback(): Promise<Callback> {
  const port = await freePort();
  const uri = `http://localhost:${port}/callback`;
  let arrived: ((seen: { url: URL; body: string }) => void) | undefined;
  const server: HttpServer = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>back</title><p>back at the client');
      const url = new URL(request.url ?? '/', uri);
      if (url.pathname === '/callback') arrived?.({ url, body });
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    uri,
    next: () =>
      new Promise((resolve) => {
        arrived = resolve;
      }),
    close: () => server.close(),
  };
}

describe.skipIf(executable === undefined)('through the pages in Chromium', () => {
  let world: World;
  let browser: Browser;
  let callback: Callback;
  beforeAll(async () => {
    world = await populate(await startTestServer());
    await world.at.listen();
    browser = await launchChromium(executable ?? '');
    callback = await listenForCallback();
  });
  afterAll(async () => {
    callback.close();
    await browser.close();
    await world.at.close();
  });

  const confidential = (given: Partial<Client> = {}): Promise<WithSecret<Client>> =>
    addRelyingParty(world, { redirectUris: [callback.uri], ...given });

  /** Signs in and allows, wherever a page asks for it. */
  async function signIn(page: Page, url: URL) {
    const arrival = callback.next();
    await page.goto(url.href);
    if (await page.locator('input[name=password]').isVisible()) {
      await page.fill('input[name=username]', 'alice');
      await page.fill('input[name=password]', PASSWORD);
      await page.click('button[type=submit].main');
    }
    const allow = page.locator('button[value=allow]');
    await Promise.race([allow.waitFor({ timeout: 10_000 }).catch(() => undefined), arrival]);
    if (await allow.isVisible().catch(() => false)) await allow.click();
    return arrival;
  }

  async function configurationOf(client: WithSecret<Client>) {
    return openid.discovery(
      new URL(world.at.issuer),
      client.row.id,
      client.secret,
      openid.ClientSecretBasic(client.secret),
      {
        execute: [openid.allowInsecureRequests],
      },
    );
  }

  test.each(['query', 'form_post'] as const)(
    'OIDC-11 openid-client 6: code flow with PKCE, state, nonce and %s',
    async (mode) => {
      const client = await confidential();
      const configuration = await configurationOf(client);
      const verifier = openid.randomPKCECodeVerifier();
      const [state, nonce] = [openid.randomState(), openid.randomNonce()];
      const url = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: callback.uri,
        scope: 'openid profile email',
        response_mode: mode,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      });
      const page = await (await browser.newContext()).newPage();
      const errors: string[] = [];
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      const { url: back, body } = await signIn(page, url);
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
      const answer =
        mode === 'query'
          ? back
          : new Request(callback.uri, {
              method: 'POST',
              body,
              headers: { 'content-type': 'application/x-www-form-urlencoded' },
            });
      const tokens = await openid.authorizationCodeGrant(configuration, answer, checks);
      const subject = tokens.claims()?.sub ?? '';
      expect(subject).toBe(world.accountId);
      const userinfo = await openid.fetchUserInfo(configuration, tokens.access_token, subject);
      expect(userinfo).toEqual({ sub: world.accountId, preferred_username: 'alice' });
      const refreshed = await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? '');
      expect(refreshed.claims()?.sub).toBe(subject);
      await openid.tokenRevocation(configuration, refreshed.refresh_token ?? '');
      expect(errors.filter((text) => /content security policy|trusted/i.test(text))).toEqual([]);
      await page.context().close();
    },
  );

  test('OIDC-04, OIDC-06 openid-client 6: silent sign-in, and the password again where it is asked for', async () => {
    const client = await confidential();
    const configuration = await configurationOf(client);
    const verifier = openid.randomPKCECodeVerifier();
    const code_challenge = await openid.calculatePKCECodeChallenge(verifier);
    const ask = (more: Readonly<Record<string, string>>) =>
      openid.buildAuthorizationUrl(configuration, {
        redirect_uri: callback.uri,
        scope: 'openid',
        code_challenge,
        code_challenge_method: 'S256',
        ...more,
      });
    const page = await (await browser.newContext()).newPage();
    const redeem = (url: URL) => openid.authorizationCodeGrant(configuration, url, { pkceCodeVerifier: verifier });
    const silently = async () => {
      const arrival = callback.next();
      await page.goto(ask({ prompt: 'none' }).href);
      return (await arrival).url;
    };
    await expect(redeem(await silently())).rejects.toMatchObject({ error: 'login_required' });
    await redeem((await signIn(page, ask({}))).url);
    expect((await redeem(await silently())).claims()?.sub).toBe(world.accountId);
    await page.goto(ask({ prompt: 'login' }).href);
    expect(await page.locator('input[name=password]').isVisible()).toBe(true);
    await page.context().close();
  });

  test('PKCE-07 oauth4webapi 3: a public client with PKCE, under every algorithm of ID tokens', async () => {
    for (const idTokenAlgorithm of ['RS256', 'ES256'] as const) {
      const row = await confidential({ authentication: 'none', idTokenAlgorithm });
      const client: oauth.Client = { client_id: row.row.id, id_token_signed_response_alg: idTokenAlgorithm };
      const issuer = new URL(world.at.issuer);
      const insecure = { [oauth.allowInsecureRequests]: true };
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
      const verifier = oauth.generateRandomCodeVerifier();
      const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
      const url = new URL(as.authorization_endpoint ?? '');
      url.search = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri: callback.uri,
        response_type: 'code',
        scope: 'openid email',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      }).toString();
      const page = await (await browser.newContext()).newPage();
      const { url: back } = await signIn(page, url);
      const parameters = oauth.validateAuthResponse(as, client, back, state);
      const response = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        parameters,
        callback.uri,
        verifier,
        insecure,
      );
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
        expectedNonce: nonce,
        requireIdToken: true,
      });
      await oauth.validateApplicationLevelSignature(as, response, insecure);
      expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(world.accountId);
      await page.context().close();
    }
  });
});
