import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PasswordCredential } from '@latchkey/domain/accounts/password-credential';
import { readCookie } from '../http/cookies.ts';
import type { Call, Server } from '../server.ts';

/** What a browser keeps of those who signed in with their password in it. */
const DEVICE_COOKIE = '__Host-latchkey-device';
const SECONDS = 180 * 86_400;
/** People who share a browser; of more the one that was there longest ago is forgotten. */
const PEOPLE_MAX = 3;
const FORM = /^[A-Za-z0-9_-]{43}(?:\.[A-Za-z0-9_-]{43}){1,3}$/;
/** Wrong guesses from a known device: then it counts as any other, until the allowance has grown again. */
const GUESSES = { burst: 10, perMinute: 0.1 } as const;

/** A browser in which somebody has signed in before: its own random value, and a mark for each of them. */
interface KnownDevice {
  readonly value: string;
  readonly marks: readonly string[];
}

function deviceOf({ request }: Call): KnownDevice | undefined {
  const text = readCookie(request.headers.get('cookie'), DEVICE_COOKIE);
  if (text === undefined || !FORM.test(text)) return undefined;
  const [value = '', ...marks] = text.split('.');
  return { value, marks };
}

/** A mark is good for one browser, account and password: whoever sets another one has to sign in everywhere anew. */
const markOf = (value: string, { accountId, version }: Marked, server: Server): string =>
  createHmac('sha256', server.csrfKey)
    .update(JSON.stringify(['device', value, accountId, version]))
    .digest('base64url');

type Marked = Pick<PasswordCredential, 'accountId' | 'version'>;

const isSame = (one: string, other: string): boolean => timingSafeEqual(Buffer.from(one), Buffer.from(other));

/**
 * Whether a guess at this password comes from a browser in which it was right before. Such a guess does not wait for
 * what strangers guess, nor is it shut out with them; it has an allowance of its own.
 *
 * @spec ASVS 6.1.1 (PWD-10)
 */
export async function isKnownDevice(call: Call, credential: PasswordCredential, server: Server): Promise<boolean> {
  const device = deviceOf(call);
  if (device === undefined) return false;
  const wanted = markOf(device.value, credential, server);
  if (!device.marks.some((mark) => isSame(mark, wanted))) return false;
  return (await server.ephemeral.take(`device:${wanted}`, GUESSES)) === 0;
}

/** The cookie after a password was right in this browser. */
export function deviceCookie(call: Call, credential: Marked, server: Server): string {
  const device = deviceOf(call) ?? { value: Buffer.from(server.entropy(32)).toString('base64url'), marks: [] };
  const mark = markOf(device.value, credential, server);
  const marks = [mark, ...device.marks.filter((one) => !isSame(one, mark))].slice(0, PEOPLE_MAX);
  return `${DEVICE_COOKIE}=${[device.value, ...marks].join('.')}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${SECONDS}`;
}
