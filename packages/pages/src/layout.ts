import { type Html, html } from './html.ts';
import { visible } from './name.ts';
import { ENGLISH, type Words } from './words.ts';

/** How the people who run a server want its pages to look. */
export interface Theme {
  readonly name: string;
  /** An https URL or a path of the same origin; anything else is not shown. */
  readonly logo?: string;
  /** The colour of the main button, as `#rrggbb`; anything else is not used. */
  readonly accent?: string;
}

export const DEFAULT_THEME: Theme = { name: 'Latchkey' };

/** The style of every page. It stands in the page, under a hash in the content security policy. */
export const STYLE =
  ':root{color-scheme:light dark;--bg:#f3f4f8;--card:#fff;--text:#1c1e2a;--muted:#565b6e;--line:#d9dbe3;--edge:#767b8f;--link:#2f4ea8;--accent:#2f4ea8;--on-accent:#fff;--bad:#97152a;--bad-bg:#fdeff1;--good:#145233;--good-bg:#e8f6ee}' +
  '@media(prefers-color-scheme:dark){:root{--bg:#12131a;--card:#1c1e28;--text:#e9eaf1;--muted:#abb0c2;--line:#363a4b;--edge:#82879c;--link:#a9bcff;--accent:#a9bcff;--on-accent:#12131a;--bad:#ffb8bf;--bad-bg:#3a1b21;--good:#a6e3be;--good-bg:#163022}}' +
  '*{box-sizing:border-box}' +
  'body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;justify-content:safe center;padding:1.5rem 1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--bg);overflow-wrap:anywhere}' +
  'header{display:flex;align-items:center;gap:.75rem;max-width:27rem;margin:0 0 1.25rem;font-size:1.125rem;font-weight:600}header img{display:block;max-width:10rem;height:2.5rem;object-fit:contain}' +
  'main{width:100%;max-width:27rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;box-shadow:0 1px 3px #0000000f,0 12px 32px #0000000f}' +
  'h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}h2{margin:0 0 .25rem;font-size:1.125rem}article{margin:1.5rem 0 0;padding:1.25rem 0 0;border-top:1px solid var(--line);white-space:pre-line}article p{margin:0 0 .75rem}p{margin:0 0 1rem}.muted{color:var(--muted)}a{color:var(--link)}code{font:.9375em ui-monospace,monospace}p bdi{font-weight:600}main>:last-child{margin-bottom:0}' +
  'ul{margin:0;padding:0 0 0 1.25rem}dl{margin:1.25rem 0;padding:0;border-top:1px solid var(--line)}dt{margin:.875rem 0 .125rem;font-size:.875rem;color:var(--muted)}dd{margin:0 0 .25rem}' +
  'label{display:block;margin:1rem 0 .375rem;font-weight:600}' +
  'input,textarea,select{display:block;width:100%;min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--card);border:1px solid var(--edge);border-radius:.5rem}input[type=hidden]{display:none}input[readonly]{background:var(--bg)}[aria-invalid]{border-color:var(--bad);border-width:2px}' +
  'fieldset{margin:1rem 0 0;padding:.25rem 1rem .75rem;border:1px solid var(--line);border-radius:.5rem}legend{padding:0 .25rem;font-weight:600}.choice{display:flex;gap:.625rem;align-items:center;margin:.5rem 0 0}.choice label{margin:0;font-weight:400}.choice input{flex:none;width:1.25rem;min-height:1.25rem;accent-color:var(--accent)}.secret{display:block;padding:.75rem 1rem;background:var(--bg);border-radius:.5rem;user-select:all}' +
  '.buttons{display:flex;flex-direction:column;gap:.75rem;margin-top:1.5rem}' +
  'button,.button{display:block;width:100%;min-height:2.75rem;padding:.5rem 1rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;color:inherit;background:none;border:1px solid var(--edge);border-radius:.5rem;cursor:pointer;overflow-wrap:anywhere}' +
  'button:hover,.button:hover{background:var(--bg)}.main,.main:hover{color:var(--on-accent);background:var(--accent)}.main:hover{text-decoration:underline}.account{text-align:start}' +
  '.links{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;margin-top:1.25rem}.links a{min-height:1.5rem}.hint{margin:.375rem 0 1rem;font-size:.875rem}' +
  ':focus-visible{outline:3px solid var(--link);outline-offset:2px}' +
  '[role=alert]{margin:1rem 0;padding:.75rem 1rem;color:var(--bad);background:var(--bad-bg);border-inline-start:4px solid;border-radius:.25rem}' +
  '[role=status]{margin:1rem 0;padding:.75rem 1rem;color:var(--good);background:var(--good-bg);border-inline-start:4px solid;border-radius:.25rem}' +
  '.rows h2{margin:0 0 .25rem;font-size:1.0625rem;line-height:1.4}.rows{list-style:none;margin:1.25rem 0;padding:0;border-top:1px solid var(--line)}.rows>li{padding:1rem 0;border-bottom:1px solid var(--line)}.rows p{margin:0 0 .125rem}.rows ul{margin:.25rem 0 .5rem;list-style:disc}form>.rows:last-child{margin-bottom:0;border-bottom:0}input+p,textarea+p{margin-top:.375rem}.rows button{margin-top:.75rem}.tag{display:inline-block;padding:0 .5rem;font-size:.8125rem;font-weight:600;color:var(--good);background:var(--good-bg);border-radius:1rem}' +
  '@media(min-width:30rem){.rows>li{display:flex;gap:1rem;align-items:center;justify-content:space-between}.rows button{flex:none;width:auto;margin:0}}' +
  '@media(max-width:30rem){main{padding:1.5rem 1.25rem}}@media(min-width:48rem){.wide main{max-width:40rem}}';

/**
 * The colours of a theme as CSS, or nothing.
 *
 * Only a colour in six digits comes through, so that no text of a setting becomes CSS. What is written on it is black or
 * white, whichever is easier to read: one of the two always has the contrast that WCAG asks for.
 */
export function themeStyle({ accent }: Theme): string {
  if (accent === undefined || !/^#[\da-f]{6}$/i.test(accent)) return '';
  return `:root{--accent:${accent.toLowerCase()};--on-accent:${luminance(accent) > 0.179 ? '#000' : '#fff'}}`;
}

/** How bright a colour is, from 0 to 1. @spec WCAG 2.2, relative luminance */
const luminance = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** All of the style in a page of this theme: the server hashes this very text for the content security policy. */
export const styleOf = (theme: Theme): string => STYLE + themeStyle(theme);

/** How a page is dressed. */
export interface Look {
  readonly theme: Theme;
  readonly words: Words;
  /** For a page with long lines, such as URLs. */
  readonly isWide?: boolean;
}

/** A whole page. */
export function layout(
  title: string,
  body: Html,
  { theme, words, isWide = false }: Look = { theme: DEFAULT_THEME, words: ENGLISH },
): string {
  const name = visible(theme.name);
  const logo = theme.logo !== undefined && isImageUrl(theme.logo) ? html`<img src="${theme.logo}" alt="">` : '';
  return `<!doctype html>\n${
    html`<html lang="${words.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${visible(title)} · ${name}</title><style>${{ html: styleOf(theme) }}</style></head>
<body${isWide ? html` class="wide"` : ''}><header>${logo}<bdi>${name}</bdi></header>
<main>${body}</main></body></html>`.html
  }\n`;
}

const isImageUrl = (url: string): boolean => /^(?:https:\/\/[^/\\\s]|\/(?![/\\]))[^\\\s]*$/.test(url);
