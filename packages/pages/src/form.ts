import { type Html, html } from './html.ts';

/** Fields that a form carries and nobody sees. */
export type Fields = Readonly<Record<string, string>>;

/** A form that posts to the server, with its hidden fields. The first button in it is the one that Enter presses. */
export const form = (action: string, hidden: Fields, content: Html): Html =>
  html`<form method="post" action="${action}">${Object.entries(hidden).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}${content}</form>`;
