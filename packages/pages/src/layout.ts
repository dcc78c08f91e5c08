import { type Html, html } from './html.ts';

/** The style of every page. It stands in the page, under a hash in the content security policy. */
export const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1c1c28;background:#fff}' +
  'h1{font-size:1.5rem}dt{font-weight:600;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}code{font-family:ui-monospace,monospace}' +
  '@media(prefers-color-scheme:dark){body{color:#e8e8f0;background:#16161d}a{color:#9db8ff}}';

/** A whole page. */
export const layout = (title: string, body: Html): string =>
  `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${{ html: STYLE }}</style></head><body>${body}</body></html>`
      .html
  }\n`;
