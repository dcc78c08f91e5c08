import { createHash } from 'node:crypto';
import type { MailLanguage } from '@latchkey/domain/accounts/notice';
import { FORM_POST_SCRIPT } from '@latchkey/pages/form-post';
import { styleOf, type Theme } from '@latchkey/pages/layout';
import { chooseLanguage, type Language, type Words } from '@latchkey/pages/words';
import type { Server } from '../server.ts';
import { NO_STORE } from './headers.ts';

const sourceOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const FORM_POST_SOURCE = sourceOf(FORM_POST_SCRIPT);

/** How this deployment's pages look. */
export const themeOf = ({ appearance }: Pick<Server, 'appearance'>): Theme => appearance.theme;

/** The words of a page, in the language that the request or the browser asks for. */
export const wordsFor = (
  request: Request,
  { appearance }: Pick<Server, 'appearance'>,
  uiLocales: readonly string[] = [],
): Words => appearance.words[chooseLanguage(uiLocales, request.headers.get('accept-language'))];

/** In which language mail to somebody who uses this page is written; undefined where there is no mail. */
export const mailLanguageOf = (request: Request, server: Pick<Server, 'appearance' | 'mail'>): MailLanguage =>
  server.mail === undefined ? undefined : wordsFor(request, server).language;

/** The words of a mail, in the language of the page that it was asked for on. */
export const wordsIn = (language: Language, { appearance }: Pick<Server, 'appearance'>): Words =>
  appearance.words[language];

export interface PageOptions {
  readonly status?: number;
  /** For a page with a form: where it may end beside this server, which is at a client's redirect URI. */
  readonly formAction?: readonly string[];
  /** True for the one page that has a script: it sends its form. */
  readonly sendsItself?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Only https may say so. @spec RFC 6797 §7.2 */
const HTTPS_ONLY = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };

/**
 * An answer with a page. Nothing of it comes from elsewhere, it runs no script, nobody may frame or keep it, and its
 * address goes to nobody.
 *
 * @spec RFC 9700 §4.16, §4.2.4 (AUT-10, AUT-15); ASVS 3.4.1 to 3.4.8 (HDR-01)
 */
export function pageResponse(html: string, server: Server, options: PageOptions = {}): Response {
  const { status = 200, formAction, sendsItself = false, headers = {} } = options;
  const policy = [
    "default-src 'none'",
    `style-src ${sourceOf(styleOf(themeOf(server)))}`,
    "img-src 'self'",
    `script-src ${sendsItself ? FORM_POST_SOURCE : "'none'"}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "base-uri 'none'",
    `form-action ${formAction === undefined ? "'none'" : ["'self'", ...formAction].join(' ')}`,
    "frame-ancestors 'none'",
  ];
  return new Response(html, {
    status,
    headers: {
      ...NO_STORE,
      ...(server.settings.issuer.startsWith('https:') ? HTTPS_ONLY : {}),
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      ...headers,
    },
  });
}

/** Sends a browser on, by GET, whatever it came with. @spec RFC 9700 §4.12 (ENV-12: 303, never 307) */
export const seeOther = (location: string): Response =>
  new Response(null, { status: 303, headers: { ...NO_STORE, location, 'referrer-policy': 'no-referrer' } });
