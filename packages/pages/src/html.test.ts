import { expect, test } from 'vitest';
import { html } from './html.ts';

test('what is put into a page is text', () => {
  expect(html`<p title="${'"\''}">${'<script>&'}</p>`.html).toBe('<p title="&quot;&#39;">&lt;script&gt;&amp;</p>');
});

test('HTML in HTML stays HTML, one or many', () => {
  const items = ['a', '<b>'].map((name) => html`<li>${name}</li>`);
  expect(html`<ul>${items}</ul>${html`<hr>`}${3}`.html).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul><hr>3');
});
