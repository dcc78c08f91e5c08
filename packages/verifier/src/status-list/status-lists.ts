import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import type { StatusList } from '@latchkey/tokens/formats/status-list';
import { decodeStatusListToken, type StatusListToken } from '@latchkey/tokens/formats/status-list-token';
import type { KeySource } from '../key-source.ts';
import type { Config } from '../options.ts';
import { fetchStatusList } from './fetch-status-list.ts';

/** The status lists that this API has looked tokens up in. */
export interface StatusLists {
  /** What is here and may be relied on. One that soon may not is fetched anew, beside the requests that use it. */
  now(uri: string): StatusList | undefined;
  /** The same, fetched where it is not here; undefined when it cannot be had. */
  get(uri: string): Promise<StatusList | undefined>;
  close(): void;
}

interface Held {
  readonly list: StatusList;
  /** By the monotonic clock: from when on it is fetched ahead, and from when on it is not relied on. */
  readonly renewAt: number;
  readonly until: number;
  readonly exp: EpochSeconds | undefined;
}

/** For how long a list may be relied on that does not say so, in seconds, and what it may say. @spec TSL-10 */
const TTL_DEFAULT = 300;
const TTL_MIN = 5;
const TTL_MAX = 86_400;
/** The part of its time after which a list is fetched anew. */
const RENEW_AFTER = 0.75;
/** A list that could not be had is not asked for again for so long. */
const RETRY_AFTER = 1_000;
/** Lists that are fetched at the same time; one more cannot be had. */
const UNDER_WAY_MAX = 20;

/** @param keys of whoever signs the lists: of the issuer, or of who was said to do it for the issuer */
export function createStatusLists(config: Config, keys: KeySource): StatusLists {
  const { monotonic } = config;
  const closing = new AbortController();
  const held = new Map<string, Held>();
  const underWay = new Map<string, Promise<void>>();
  const failedAt = new Map<string, number>();

  function fresh(uri: string): Held | undefined {
    const entry = held.get(uri);
    if (entry === undefined || monotonic() >= entry.until) return undefined;
    return entry.exp !== undefined && config.now() / 1000 >= entry.exp ? undefined : entry;
  }

  function fetchOne(uri: string): Promise<void> {
    const waiting = underWay.get(uri);
    if (waiting !== undefined) return waiting;
    const isTooSoon = monotonic() - (failedAt.get(uri) ?? Number.NEGATIVE_INFINITY) < RETRY_AFTER;
    if (isTooSoon || underWay.size >= UNDER_WAY_MAX) return Promise.resolve();
    const fetching = load(uri).finally(() => underWay.delete(uri));
    underWay.set(uri, fetching);
    return fetching;
  }

  async function load(uri: string): Promise<void> {
    const began = monotonic();
    try {
      keep(uri, await verified(await fetchStatusList(uri, config, closing.signal), uri), began);
      failedAt.delete(uri);
    } catch (error) {
      if (failedAt.size >= LIMITS.statusListsKept) failedAt.clear();
      failedAt.set(uri, monotonic());
      const reason = error instanceof Error ? error.message : String(error);
      config.onEvent({ event: 'status_list_unavailable', reason });
    }
  }

  async function verified(text: string, uri: string): Promise<StatusListToken> {
    await keys.ready();
    const read = () => {
      const { current } = keys;
      if (current === undefined) throw new Error('there are no keys for the status list');
      const now = Math.floor(config.now() / 1000) as EpochSeconds;
      return decodeStatusListToken(text, current, { uri, leewaySeconds: config.leewaySeconds }, now);
    };
    let token = await read();
    if (!token.ok && token.error === 'token_key_unknown' && (await keys.lookAgain())) token = await read();
    if (!token.ok) throw new Error(`the status list is not believed: ${token.error}`);
    return token.value;
  }

  function keep(uri: string, { list, ttl = TTL_DEFAULT, exp }: StatusListToken, began: number): void {
    const left = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000 - config.now();
    const milliseconds = Math.min(Math.min(TTL_MAX, Math.max(TTL_MIN, ttl)) * 1000, left);
    held.delete(uri);
    held.set(uri, { list, exp, renewAt: began + milliseconds * RENEW_AFTER, until: began + milliseconds });
    let bytes = 0;
    for (const one of held.values()) bytes += one.list.bytes.length;
    for (const [oldest, one] of held) {
      if (held.size <= LIMITS.statusListsKept && bytes <= LIMITS.statusListsKeptBytes) return;
      held.delete(oldest);
      bytes -= one.list.bytes.length;
    }
  }

  function now(uri: string): StatusList | undefined {
    const entry = fresh(uri);
    if (entry === undefined) return undefined;
    held.delete(uri); // what is used is the youngest
    held.set(uri, entry);
    if (monotonic() >= entry.renewAt) void fetchOne(uri);
    return entry.list;
  }

  return {
    now,
    async get(uri) {
      const here = now(uri);
      if (here !== undefined) return here;
      await fetchOne(uri);
      return now(uri);
    },
    close: () => closing.abort(),
  };
}
