import { issueSetUpLink } from '@latchkey/server/set-up-link';
import { authorizePath, requestOf } from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD } from '@latchkey/testkit/people';
import { linkIn, post } from '@latchkey/testkit/post';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MailWorld, startMailWorld } from '../flows/sign-in/mail-world.ts';
import { findChromium, launchChromium } from './chromium.ts';
import { watch } from './watch.ts';

const executable = findChromium();

describe.skipIf(executable === undefined)('the pages that hang on mail, as somebody sees them', () => {
  let world: MailWorld;
  let browser: Browser;
  let start: string;
  beforeAll(async () => {
    world = await startMailWorld({ registration: 'open', magicLink: 'on' });
    await world.at.listen();
    browser = await launchChromium(executable ?? '');
    await addAccount(world.at.server, 'bob@example.com');
    start = world.at.issuer + authorizePath(requestOf(world.client.row, world.pkce.challenge));
  });
  afterAll(async () => {
    await browser.close();
    await world.at.close();
  });

  test.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)(
    'axe finds nothing at %d pixels, %s, and nothing scrolls sideways',
    { timeout: 120_000 },
    async (width, colorScheme) => {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
      const page = await context.newPage();
      const { seen, look } = watch(page);
      const ask = async (words: string, identifier: string): Promise<string> => {
        await page.goto(start);
        await page.click(`.links a:has-text("${words}")`);
        await look(words);
        await page.fill('#identifier', '.nobody@example.com');
        await page.click('button.main');
        await page.locator('[role=alert]').waitFor();
        await look(`${words}, refused`);
        await page.fill('#identifier', identifier);
        await page.click('button.main');
        await page.waitForURL('**/mailbox');
        return linkIn((await post(world.at))[0]);
      };
      const setting = await ask('Forgot your password?', 'bob@example.com');
      await look('mailbox');
      await page.goto(setting);
      await look('new password');
      await page.fill('#password', 'too short');
      await page.click('button.main');
      await page.locator('[role=alert]').waitFor();
      await look('new password, refused');
      await page.fill('#password', PASSWORD);
      await page.click('button.main');
      await page.waitForURL('**/signin?*');
      await page.goto(await ask('Sign in by a link', 'bob@example.com'));
      await look('sign in by a link');
      await page.goto(await ask('Create an account', `new-${width}-${colorScheme}@example.com`));
      await look('new account');
      await page.fill('#username', 'alice');
      await page.fill('#password', PASSWORD);
      await page.click('button.main');
      await page.locator('[role=alert]').waitFor();
      await look('new account, refused');
      await context.clearCookies();
      await page.fill('#username', '');
      await page.fill('#password', PASSWORD);
      await page.click('button.main');
      await page.locator('#password').waitFor({ state: 'detached' });
      await look('done');
      await page.goto(`${world.at.issuer}/dev/mail`);
      await look('caught mail');
      await page.goto((await issueSetUpLink(world.at.server, true))?.url ?? '');
      await look('first administrator');
      await page.fill('#username', 'bob@example.com');
      await page.fill('#password', 'too short');
      await page.click('button.main');
      await page.locator('[role=alert]').waitFor();
      await look('first administrator, refused');
      expect(seen).toEqual([]);
      await context.close();
    },
  );
});
