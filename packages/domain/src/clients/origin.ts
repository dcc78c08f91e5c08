/** What the name of a host is made of; the URL parser would also take an asterisk, which no browser ever sends. */
const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Whether a text is an origin as browsers send it: scheme, host and port to the letter, https or loopback. Anything
 * else would never match, or match what nobody meant (`null`, a wildcard, another host that ends alike).
 *
 * @spec RFC 6454 §6.2 (ASCII serialization), Fetch §3.2
 */
export function isRegistrableOrigin(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.origin !== text || !HOST.test(url.hostname)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}
