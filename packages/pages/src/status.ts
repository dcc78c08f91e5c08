import { html } from './html.ts';
import { DEFAULT_THEME, layout, type Theme } from './layout.ts';
import { visible } from './name.ts';
import { ENGLISH, type Words } from './words.ts';

/** What the status page tells: nothing that a stranger may not know. */
export interface Status {
  readonly issuer: string;
  readonly isDevelopment: boolean;
  readonly theme?: Theme;
}

/** The page at `/`: that the server is there, and where to go on. */
export const statusPage = ({ issuer, isDevelopment, theme = DEFAULT_THEME }: Status, words: Words = ENGLISH): string =>
  layout(
    words('status.title', { name: visible(theme.name) }),
    html`<h1>${words('status.title', { name: visible(theme.name) })}</h1>
<dl>
<dt>${words('status.issuer')}</dt><dd><code>${issuer}</code></dd>
<dt>${words('status.mode')}</dt><dd>${words(isDevelopment ? 'status.mode.development' : 'status.mode.production')}</dd>
<dt>${words('status.account')}</dt><dd><a href="${issuer}/account">${words('status.account.link')}</a></dd>
<dt>${words('status.metadata')}</dt><dd><a href="${issuer}/.well-known/oauth-authorization-server">${words('status.metadata.link')}</a></dd>
<dt>${words('status.keys')}</dt><dd><a href="${issuer}/.well-known/jwks.json">${words('status.keys.link')}</a></dd>
</dl>`,
    { theme, words, isWide: true },
  );
