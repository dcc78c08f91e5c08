import type { Client } from '@latchkey/domain/clients/client';
import { allow } from '@latchkey/domain/decision';
import type { AccountId } from '@latchkey/protocol/types';
import { addRelyingParty, authorizePath, makePkce, requestOf } from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addResource, startTestServer } from '@latchkey/testkit/test-server';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from './chromium.ts';
import { watch } from './watch.ts';

const executable = findChromium();

/** The pages of an account, with what they say after a change. */
const ACCOUNT = [
  '/account',
  '/account/profile',
  '/account/sessions',
  '/account/sessions?notice=session_ended',
  '/account/applications',
  '/account/api-keys',
  '/account/password',
  '/account/identifiers',
];

/** Somebody who allowed something to a client, and is signed in with a phone, too. */
async function allowSomething(accountId: AccountId, { id: clientId }: Client, { at, api, login }: World) {
  const scope = ['openid', 'email', 'read'];
  await at.server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(undefined, [
        {
          kind: 'consent.store',
          consent: { accountId, clientId, scope, resources: [api.row.identifier], givenAt: now },
        },
      ]),
  );
  await login({ username: 'bob' }, { 'user-agent': 'Mozilla/5.0 (Linux; Android 15) Chrome/140.0.0.0 Mobile' });
}

describe.skipIf(executable === undefined)('the pages, as somebody sees them', () => {
  let world: World;
  let browser: Browser;
  let start: string;
  beforeAll(async () => {
    world = await populate(await startTestServer());
    await world.at.listen();
    browser = await launchChromium(executable ?? '');
    const client = await addRelyingParty(world);
    const scope = ['invoices:read', 'invoices:write', `${'very-'.repeat(18)}long`];
    const name = 'Invoices of the whole company, for everybody who has to do with them';
    await addResource(world.at.server, { hasSelfServiceKeys: true, name, scope });
    await allowSomething(await addAccount(world.at.server, 'bob'), client.row, world);
    start =
      world.at.issuer +
      authorizePath(requestOf(client.row, makePkce().challenge, { scope: 'openid profile email read' }));
  });
  afterAll(async () => {
    await browser.close();
    await world.at.close();
  });

  for (const width of [390, 1280])
    for (const colorScheme of ['light', 'dark'] as const)
      test(`axe finds nothing at ${width} pixels, ${colorScheme}, without a script, and nothing scrolls sideways`, async () => {
        const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
        const page = await context.newPage();
        const { seen, look } = watch(page);
        await page.goto(`${world.at.issuer}/`);
        await look('status');
        await page.goto(`${world.at.issuer}/signin`);
        await look('error');
        await page.goto(start);
        await look('sign in');
        await page.fill('input[name=username]', 'alice');
        await page.fill('input[name=password]', 'not the passphrase of anybody');
        await page.click('button.main');
        await page.locator('[role=alert]').waitFor();
        await look('sign in, refused');
        await page.fill('input[name=password]', PASSWORD);
        await page.click('button.main');
        await page.locator('button[value=allow]').waitFor();
        await look('consent');
        await page.goto(`${start}&prompt=select_account`);
        await look('choose account');
        expect(seen).toEqual([]);
        await context.close();
      });

  for (const width of [390, 1280])
    for (const colorScheme of ['light', 'dark'] as const)
      test(`axe finds nothing on the pages of an account at ${width} pixels, ${colorScheme}`, async () => {
        const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
        const page = await context.newPage();
        const { seen, look } = watch(page);
        await page.goto(`${world.at.issuer}/account`);
        await page.fill('input[name=username]', 'bob');
        await page.fill('input[name=password]', PASSWORD);
        await page.click('button.main');
        for (const path of ACCOUNT) {
          await page.goto(world.at.issuer + path);
          expect(page.url()).toBe(world.at.issuer + path);
          await look(path);
        }
        await page.fill('input[name=add]', 'no name');
        await page.click('button.main');
        await page.locator('[role=alert]').waitFor();
        await look('names, refused');
        await page.goto(`${world.at.issuer}/account/api-keys`);
        await page.click('.buttons a');
        await page.locator('#days').waitFor();
        await look('new API key');
        await page.fill('#name', ' ');
        await page.click('button.main');
        await page.locator('[role=alert]').waitFor();
        await look('new API key, refused');
        await page.fill('#name', `Nightly-import-${'x'.repeat(60)}`);
        await page.check('#allow2');
        await page.click('button.main');
        await page.locator('code.secret').waitFor();
        await look('API key made');
        await page.click('.buttons a');
        await page.locator('button[name=rotate]').first().click();
        await page.locator('code.secret').waitFor();
        await look('API key with a new secret');
        await page.click('.buttons a');
        await page.locator('button[name=end]').first().waitFor();
        await look('API keys');
        await page.goto(`${world.at.issuer}/account/profile`);
        await page.fill('input[name=birthdate]', 'yesterday');
        await page.click('button.main');
        await page.locator('[role=alert]').waitFor();
        await look('profile, refused');
        await page.goto(`${world.at.issuer}/account/password`);
        await page.fill('input[name=current_password]', PASSWORD);
        await page.fill('input[name=new_password]', 'short');
        await page.click('button.main');
        await page.locator('[role=alert]').waitFor();
        await look('password, refused');
        await page.goto(`${world.at.issuer}/account`);
        await page.click('main form button');
        await page.locator('h1', { hasText: 'You are signed out' }).waitFor();
        await look('signed out');
        expect(seen).toEqual([]);
        await context.close();
      });

  test('without JavaScript and with the policy in force, the whole way works', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: 'de-DE' });
    const page = await context.newPage();
    await page.goto(start);
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    await page.fill('input[name=username]', 'alice');
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button.main');
    await page.locator('button[value=deny]').waitFor();
    const answer = page.waitForRequest((request) => request.url().startsWith('https://rp.example/callback?'));
    await page.click('button[value=deny]');
    expect(new URL((await answer).url()).searchParams.get('error')).toBe('access_denied');
    await context.close();
  });
});
