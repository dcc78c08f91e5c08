import { html } from './html.ts';
import { layout } from './layout.ts';

/** What the status page tells: nothing that a stranger may not know. */
export interface Status {
  readonly issuer: string;
  readonly isDevelopment: boolean;
}

/** The page at `/`: that the server is there, and where to go on. */
export const statusPage = ({ issuer, isDevelopment }: Status): string =>
  layout(
    'Latchkey',
    html`<h1>Latchkey is running</h1>
<dl>
<dt>Issuer</dt><dd><code>${issuer}</code></dd>
<dt>Mode</dt><dd>${isDevelopment ? 'development: for this machine only' : 'production'}</dd>
<dt>Metadata</dt><dd><a href="${issuer}/.well-known/oauth-authorization-server">authorization server metadata</a></dd>
<dt>Keys</dt><dd><a href="${issuer}/.well-known/jwks.json">key set</a></dd>
</dl>`,
  );
