/** What an answer to an authenticated request tells caches. */
export interface Caching {
  readonly cacheControl: string;
  /** Names of request headers. */
  readonly vary: string;
}

/**
 * What a person may see is not to be given to the next one: no shared cache keeps it, whatever it thinks of requests
 * with credentials, and a browser's own asks again when the credentials are others.
 *
 * @spec RFC 9111 §3.5; RFC 6750 §5.3
 */
export const cachingOf = (cookie: boolean, header?: string): Caching => ({
  cacheControl: 'private',
  vary: ['Authorization', ...(cookie ? ['Cookie'] : []), ...(header === undefined ? [] : [header])].join(', '),
});

/** A `Vary` header that an answer has already, with ours. */
export const joinedVary = (before: string | undefined, { vary }: Caching): string =>
  before === undefined || before === '' ? vary : `${before}, ${vary}`;
