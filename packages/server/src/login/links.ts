import type { MailedPurpose } from '@latchkey/domain/login/account-mail';
import { isGoodFor, type OneTimeLink } from '@latchkey/domain/login/one-time-link';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Sha256 } from '@latchkey/protocol/types';
import { readForm } from '../http/body.ts';
import { checkForm, FORM_TOKEN, formToken } from '../http/form-guard.ts';
import { secretHash } from '../prove/secret.ts';
import type { Call, Refusal, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';

/** Where the link of each purpose leads, under the issuer. */
export const LINK_PATHS = {
  reset_password: '/links/reset',
  register: '/links/register',
  sign_in: '/links/sign-in',
  verify_email: '/links/verify',
} as const satisfies Readonly<Record<MailedPurpose, string>>;

/** Whether this deployment sends links for a purpose. */
export function isLinkOffered(purpose: MailedPurpose, { mail, settings }: Server): boolean {
  if (mail === undefined) return false;
  if (purpose === 'register') return settings.registration === 'open';
  return purpose === 'sign_in' ? settings.magicLink === 'on' : true;
}

/** The field of the query and of the form that holds a link's secret. */
const LINK_SECRET = 'link_secret';

const PREFIX = 'lk_ln_';
const FORM = /^lk_ln_[A-Za-z0-9_-]{43}$/;

/** A new secret of 256 random bits, and the hash under which its link is known. @spec ASVS 6.4.1 (PWD-13) */
export function makeLinkSecret(server: Server): { readonly secret: string; readonly hash: Sha256 } {
  const secret = PREFIX + Buffer.from(server.entropy(32)).toString('base64url');
  return { secret, hash: secretHash(secret) };
}

/** A link as it stands in a mail. Its host comes from the settings, whatever the request said that asked for it. */
export const linkUrl = (purpose: MailedPurpose, secret: string, { settings }: Server): string =>
  `${settings.issuer}${LINK_PATHS[purpose]}?${LINK_SECRET}=${secret}`;

/** A link that somebody has opened, and that is good so far. */
export interface PresentedLink {
  readonly link: OneTimeLink;
  readonly secret: string;
}

/** Finds the link that was opened. Nothing is changed by it: programs that look at mail open links too. */
export const findLink = (
  purpose: MailedPurpose,
  { url }: Call,
  server: Server,
): Promise<Result<PresentedLink, Refusal>> => linkOf(url.searchParams.getAll(LINK_SECRET), purpose, server);

/**
 * @returns `link_invalid`
 */
async function linkOf(
  given: readonly string[],
  purpose: MailedPurpose,
  server: Server,
): Promise<Result<PresentedLink, Refusal>> {
  const [secret, second] = given;
  if (secret === undefined || second !== undefined || !FORM.test(secret)) return fail({ error: 'link_invalid' });
  const link = await server.store.read.link(secretHash(secret));
  const { now } = await server.store.read.moment();
  return isGoodFor(link, purpose, now) ? ok({ link, secret }) : fail({ error: 'link_invalid' });
}

const boundOf = (purpose: MailedPurpose, secret: string): readonly string[] => ['link', purpose, secret];

/** What the form of a link's page carries: the secret goes on in its body, and in no address any more. */
export const linkFields = ({ link, secret }: PresentedLink, server: Server): Readonly<Record<string, string>> => ({
  [LINK_SECRET]: secret,
  [FORM_TOKEN]: formToken(server, boundOf(link.purpose as MailedPurpose, secret)),
});

/** Uses of links from one address: a new password costs a hash. */
const USES = { burst: 60, perMinute: 60 } as const;

/** The form of a link's page, and the link. */
export interface LinkForm {
  readonly form: Parameters;
  readonly presented: PresentedLink;
}

/**
 * Reads the form of a link's page, which must come from that page.
 *
 * @returns `rate_limited`, `link_invalid`, and what `readForm` and `checkForm` refuse
 */
export async function readLinkForm(
  purpose: MailedPurpose,
  call: Call,
  bodyMax: number,
  server: Server,
): Promise<Result<LinkForm, Refusal>> {
  const wait = await server.ephemeral.take(`link:${addressKey(call.address)}`, USES);
  if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  const form = await readForm(call.request, bodyMax);
  if (!form.ok) return form;
  const secret = form.value.get(LINK_SECRET);
  const presented = await linkOf(secret === undefined ? [] : [secret], purpose, server);
  if (!presented.ok) return presented;
  const guarded = checkForm(call, form.value, boundOf(purpose, presented.value.secret), server);
  return guarded.ok ? ok({ form: form.value, presented: presented.value }) : guarded;
}
