import { LIMITS } from './limits.ts';

/** Where a client runs: on a server or in a browser, or installed on a device. @spec OIDC Registration §2 */
export type ApplicationType = 'web' | 'native';

/**
 * Schemes that no app owns: what runs or shows content in a browser or a system, and the schemes of public protocols.
 * A code sent to one of these goes to whoever answers it, or becomes a script.
 */
const FOREIGN_SCHEMES: ReadonlySet<string> = new Set(
  `about acct android-app apps-handler bitcoin blob callto chrome chrome-extension cid coap coaps content data dav dict
  did dns edge ethereum facetime facetime-audio feed file filesystem finger ftp ftps geo git git+ssh gopher h323 http
  https iax icap im imap imaps info intent ipp ipps irc irc6 ircs itms itms-apps itms-services jar javascript jdbc ldap
  ldaps livescript localhost magnet mailto maps market mid mms mocha modem moz-extension ms msrp news nfs ni nntp opera
  opaquelocktoken pop pop3 pres res resource rlogin rsync rtmp rtsp rtsps safari-extension search search-ms service sftp
  shell shortcuts sip sips skype smb sms smsto snmp soap.beep ssh stun stuns svn svn+ssh tag tel telnet tftp tip turn
  turns unix urn vbs vbscript view-source vnc wais webcal wpad ws wss wyciwyg x-apple-helpbasic xmpp z39.50r z39.50s`.split(
    /\s+/,
  ),
);

const isPrivateUse = (scheme: string): boolean =>
  scheme.length > 1 && !FOREIGN_SCHEMES.has(scheme) && !scheme.startsWith('ms-') && !scheme.startsWith('web+');

const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * Whether a client may register a redirect URI: `https`, `http` to this very machine, or, for a native app, a scheme
 * of its own followed by a slash. It must be spelled in one way only: as a URL parser would write it again, without
 * dot segments, encoded dots and slashes, user information, fragment, and characters outside printable ASCII.
 *
 * A scheme of its own may go without a dot; that such a client always gets a consent page is decided elsewhere.
 *
 * @spec RFC 9700 §2.1; RFC 8252 §7, §8.4; RFC 6749 §3.1.2 (RED-01, RED-04, RED-05, RED-06)
 */
export function isRegistrableRedirectUri(text: string, type: ApplicationType): boolean {
  const plain = parsePlainUri(text);
  if (plain === undefined) return false;
  const { scheme, url } = plain;
  if (scheme === 'https') return true;
  if (scheme === 'http') return LOOPBACK_HOSTS.includes(url.hostname);
  const hasPath = text.startsWith('/', scheme.length + 1);
  return type === 'native' && isPrivateUse(scheme) && hasPath;
}

/**
 * Whether a client may name this URI for the server to call: `https`, or one of the origins that the operator has allowed
 * by name, spelled in one way only. Its query stays as it is.
 *
 * @spec OIDC Back-Channel Logout §2.2; OIDC Registration §5
 */
export function isCallableUri(text: string, allowed: readonly string[]): boolean {
  const plain = parsePlainUri(text);
  if (plain === undefined) return false;
  return plain.scheme === 'https' || (plain.scheme === 'http' && allowed.includes(plain.url.origin));
}

/** A URI that is spelled in its one plain form; undefined for any other text. */
function parsePlainUri(text: string): { readonly scheme: string; readonly url: URL } | undefined {
  if (text.length > LIMITS.redirectUriMax || !/^[!"$-[\]-~]+$/.test(text)) return undefined;
  const scheme = text.slice(0, text.indexOf(':'));
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || !URL.canParse(text)) return undefined;
  const beforeQuery = text.replace(/\?.*/, '');
  const rest = beforeQuery.slice(scheme.length + 1);
  const authority = /^\/\/[^/]*/.exec(rest)?.[0] ?? '';
  const path = rest.slice(authority.length);
  if (!/^[A-Za-z0-9._:[\]/-]*$/.test(authority) || hasDetours(path) || hasEncodedControls(text)) return undefined;
  const isWeb = scheme === 'http' || scheme === 'https';
  const spelled = isWeb && path === '' ? `${beforeQuery}/${text.slice(beforeQuery.length)}` : text;
  const url = new URL(text);
  return spelled === url.href ? { scheme, url } : undefined;
}

/** Whether a path has segments that some reader takes for another path. */
const hasDetours = (path: string): boolean =>
  /%(?:2e|2f|5c)/i.test(path) || path.split('/').some((segment) => /^\.{1,2}(?:;|$)/.test(segment));

const hasEncodedControls = (text: string): boolean => /%(?:[01][0-9a-f]|7f)/i.test(text);

/** Scheme and host, port, and all the rest of an `http` URI of this machine. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)$/s;

/**
 * Whether the redirect URI of a request is one that was registered: the same text, character by character. On this
 * machine's loopback addresses the port may differ, since a native app takes the one that is free; `localhost`, which
 * may resolve to elsewhere, has that exception only for native apps.
 *
 * Nothing is normalised: two texts that a URL parser takes for one are two here.
 *
 * @spec RFC 9700 §2.1, §4.1.3; RFC 8252 §7.3, §8.3 (RED-01, RED-02, RED-03)
 */
export function matchesRedirectUri(registered: string, asked: string, type: ApplicationType): boolean {
  if (registered === asked) return true;
  const [known, given] = [LOOPBACK.exec(registered), LOOPBACK.exec(asked)];
  if (known === null || given === null) return false;
  if (known[1] !== given[1] || known[3] !== given[3]) return false;
  return (known[1] !== 'localhost' || type === 'native') && Number(given[2] ?? 80) <= 65_535;
}

/**
 * The one host that all these URIs have, and that somebody owns: whoever runs on a device may have `localhost`, and a
 * scheme of its own has no host.
 *
 * @spec OIDC Core §8.1
 */
export function commonHost(uris: readonly string[]): string | undefined {
  const hosts = new Set(uris.map((uri) => new URL(uri).hostname));
  const [host = ''] = hosts;
  return hosts.size === 1 && host !== '' && !LOOPBACK_HOSTS.includes(host) ? host : undefined;
}

/**
 * Adds the parameters of a response to a redirect URI. Its own query stays as it was, byte for byte, and comes first.
 *
 * @spec RFC 6749 §3.1.2, §4.1.2, Appendix B (RED-07)
 */
export function responseUri(redirectUri: string, params: readonly (readonly [string, string])[]): string {
  const added = new URLSearchParams(params.map(([name, value]) => [name, value])).toString();
  if (added === '') return redirectUri;
  if (!redirectUri.includes('?')) return `${redirectUri}?${added}`;
  return /[?&]$/.test(redirectUri) ? redirectUri + added : `${redirectUri}&${added}`;
}

/** Whether the owner of a redirect URI is assured by TLS: anybody may claim a scheme or a port of a device. @spec RFC 8252 §8.6 */
export const isAssuredRedirect = (uri: string): boolean => uri.startsWith('https://');

/**
 * The source that lets a page's form end at a redirect URI: the origin of an `http` or `https` one, otherwise the
 * scheme. An IPv6 address has no place in the grammar of sources, so that it is told by its scheme too.
 *
 * @spec CSP3 §2.3.1, §6.4.1
 */
export function formActionSource(uri: string): string {
  const origin = /^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]+)?(?=[/?]|$)/.exec(uri);
  return origin === null ? uri.slice(0, uri.indexOf(':') + 1) : origin[0];
}
