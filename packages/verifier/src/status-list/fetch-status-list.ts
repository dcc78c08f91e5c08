import { LIMITS } from '@latchkey/protocol/limits';
import { withDeadline } from '../deadline.ts';
import { textAnswer } from '../json-answer.ts';
import type { Config } from '../options.ts';

const TIMEOUT = 5_000;
const REDIRECTS_MAX = 3;
const MEDIA_TYPE = 'application/statuslist+jwt';
const REDIRECTIONS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

type Part = Pick<Config, 'issuer' | 'statusListOrigins' | 'fetch' | 'timers'>;

/**
 * Whether a list may be fetched from there. A token names the place, so only origins that the API trusts are asked:
 * else whoever makes tokens could have it ask services of its own network.
 */
export function mayFetch(
  uri: string,
  { issuer, statusListOrigins }: Pick<Part, 'issuer' | 'statusListOrigins'>,
): boolean {
  if (!URL.canParse(uri)) return false;
  const { origin, protocol, username, password } = new URL(uri);
  if (username !== '' || password !== '' || (protocol !== 'https:' && protocol !== new URL(issuer).protocol))
    return false;
  return origin === new URL(issuer).origin || statusListOrigins.includes(origin);
}

/**
 * Fetches the text of a status list token. Each step of a redirection must lead to where a list may be fetched from.
 *
 * @throws Error with the reason why there is none
 * @spec TSL draft-21 §8.1, §8.2
 */
export function fetchStatusList(uri: string, config: Part, cancelled: AbortSignal): Promise<string> {
  return withDeadline(config.timers, TIMEOUT, (signal) => follow(uri, config, signal), cancelled);
}

async function follow(uri: string, config: Part, signal: AbortSignal): Promise<string> {
  let url = uri;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    if (!mayFetch(url, config)) throw new Error('the status list leads to where none may be fetched from');
    const response = await config.fetch(url, { headers: { accept: MEDIA_TYPE }, redirect: 'manual', signal });
    const location = REDIRECTIONS.has(response.status) ? response.headers.get('location') : null;
    if (location === null) return textOf(response);
    await response.body?.cancel();
    if (!URL.canParse(location, url)) throw new Error('the status list leads nowhere');
    url = new URL(location, url).href;
  }
  throw new Error(`more than ${REDIRECTS_MAX} redirections lead to the status list`);
}

async function textOf(response: Response): Promise<string> {
  const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (response.ok && type === MEDIA_TYPE) return textAnswer(response, LIMITS.statusListTokenMax);
  await response.body?.cancel();
  throw new Error(response.ok ? 'what was sent is no status list' : `the status list was answered ${response.status}`);
}
