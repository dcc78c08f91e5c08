import { expect, test } from 'vitest';
import { html } from './html.ts';
import { statusPage } from './status.ts';

test('HDR-02 ASVS 1.2.1: what is put into a page is text', () => {
  expect(html`<p title="${'"\''}">${'<script>&'}</p>`.html).toBe('<p title="&quot;&#39;">&lt;script&gt;&amp;</p>');
});

test('HTML in HTML stays HTML, one or many', () => {
  const items = ['a', '<b>'].map((name) => html`<li>${name}</li>`);
  expect(html`<ul>${items}</ul>${html`<hr>`}${3}`.html).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul><hr>3');
});

test.each([
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='x",
  '</code><svg/onload=x>',
  '&lt;b>',
])('HDR-02 ASVS 1.2.1, attack 8.36: an issuer %s is text on the status page', (issuer) => {
  const tags = (page: string) => page.replace(/<style>.*?<\/style>/s, '').match(/<[^>]*>/g)?.length;
  const page = statusPage({ issuer, isDevelopment: true });
  expect([page.includes(issuer), tags(page)]).toEqual([false, tags(statusPage({ issuer: 'x', isDevelopment: true }))]);
});
