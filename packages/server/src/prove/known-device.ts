import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PasswordCredential } from '@latchkey/domain/accounts/password-credential';
import { readCookie } from '../http/cookies.ts';
import type { Call, Server } from '../server.ts';

/** What a browser keeps of those who signed in with their password in it. */
const DEVICE_COOKIE = '__Host-latchkey-device';
const SECONDS = 180 * 86_400;
/** People who share a browser; of more the one that was there longest ago is forgotten. */
const PEOPLE_MAX = 3;
const FORM = /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}(?:~[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}){0,2}$/;
/** Wrong guesses from a known device: then it counts as any other, until the allowance has grown again. */
const GUESSES = { burst: 10, perMinute: 0.1 } as const;

/** That somebody has signed in in this browser: a random value, and the mark that binds it to their account. */
interface Known {
  readonly value: string;
  readonly mark: string;
}

function knownIn({ request }: Call): readonly Known[] {
  const text = readCookie(request.headers.get('cookie'), DEVICE_COOKIE);
  if (text === undefined || !FORM.test(text)) return [];
  return text.split('~').map((entry) => {
    const [value = '', mark = ''] = entry.split('.');
    return { value, mark };
  });
}

/** A mark is good for one account and password: whoever sets another one has to sign in everywhere anew. */
const markOf = (value: string, { accountId, version }: Marked, server: Server): string =>
  createHmac('sha256', server.csrfKey)
    .update(JSON.stringify(['device', value, accountId, version]))
    .digest('base64url');

type Marked = Pick<PasswordCredential, 'accountId' | 'version'>;

const isOf = ({ value, mark }: Known, marked: Marked, server: Server): boolean =>
  timingSafeEqual(Buffer.from(mark), Buffer.from(markOf(value, marked, server)));

/**
 * Whether a guess at this password comes from a browser in which it was right before. Such a guess does not wait for
 * what strangers guess, nor is it shut out with them; it has an allowance of its own.
 *
 * @spec ASVS 6.1.1 (PWD-10)
 */
export async function isKnownDevice(call: Call, credential: PasswordCredential, server: Server): Promise<boolean> {
  const known = knownIn(call).find((one) => isOf(one, credential, server));
  return known !== undefined && (await server.ephemeral.take(`device:${known.mark}`, GUESSES)) === 0;
}

/** The cookie after a password was right in this browser: what it knew of this person before is replaced. */
export function deviceCookie(call: Call, marked: Marked, server: Server): string {
  const value = Buffer.from(server.entropy(32)).toString('base64url');
  const others = knownIn(call).filter((one) => !isOf(one, marked, server));
  const known = [{ value, mark: markOf(value, marked, server) }, ...others].slice(0, PEOPLE_MAX);
  const text = known.map((one) => `${one.value}.${one.mark}`).join('~');
  return `${DEVICE_COOKIE}=${text}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${SECONDS}`;
}
