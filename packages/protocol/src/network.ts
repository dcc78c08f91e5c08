/** A network: the bytes of its address, four or sixteen, and how many leading bits of them count. */
interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

const DECIMAL = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
/** IPv4 at the end of IPv6. */
const DOTTED = /(?<=:)[\d.]*\.[\d.]*$/;
const NET = /^([0-9A-Fa-f:.]{2,45})\/(0|[1-9]\d{0,2})$/;

/**
 * Whether a text is a network in the notation of CIDR, IPv4 or IPv6. One with bits beyond its prefix is none: it would
 * leave open whether one address is meant or many.
 *
 * @spec RFC 4632 §3.1, RFC 4291 §2.3
 */
export const isNetwork = (text: string): boolean => networkIn(text) !== undefined;

/** Whether an address lies in one of these networks. One that is unknown, or cannot be read, lies in none. */
export function isInNetworks(address: string | undefined, networks: readonly string[]): boolean {
  const bytes = address === undefined ? undefined : addressIn(address);
  if (bytes === undefined) return false;
  return networks.some((text) => {
    const network = networkIn(text);
    return network !== undefined && leading(bytes, network.bits) === leading(network.bytes, network.bits);
  });
}

function networkIn(text: string): Network | undefined {
  const [, address = '', length = ''] = NET.exec(text) ?? [];
  const bytes = addressIn(address);
  const bits = Number(length);
  if (bytes === undefined || bits > bytes.length * 8) return undefined;
  if (bytes.length === 4 && address.includes(':')) return undefined; // of which length its prefix is would be a guess
  const isWithin = bytes.every((byte, index) => (byte & ~maskOf(bits, index)) === 0);
  return isWithin ? { bytes, bits } : undefined;
}

/** So many leading bits of an address, in a form that can be compared; addresses of the other kind are never the same. */
const leading = (bytes: readonly number[], bits: number): string =>
  bytes.map((byte, index) => byte & maskOf(bits, index)).join('.');

/** What of a byte counts, where so many leading bits of all count. */
const maskOf = (bits: number, index: number): number => (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 255;

/** The bytes of an address. IPv4 in the clothes of IPv6 is IPv4. @spec RFC 4291 §2.2, §2.5.5.2 */
function addressIn(text: string): readonly number[] | undefined {
  if (!text.includes(':')) return ipv4(text);
  const bytes = ipv6(text);
  const isMapped = bytes?.slice(0, 12).every((byte, index) => byte === (index < 10 ? 0 : 255));
  return isMapped === true ? bytes?.slice(12) : bytes;
}

function ipv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => DECIMAL.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

function ipv6(written: string): readonly number[] | undefined {
  const text = written.replace(DOTTED, asGroups);
  const at = text.indexOf('::');
  const front = groups(at < 0 ? text : text.slice(0, at));
  const back = groups(at < 0 ? '' : text.slice(at + 2));
  if (front === undefined || back === undefined) return undefined;
  const missing = 16 - front.length - back.length;
  if (at < 0 ? missing !== 0 : missing < 2) return undefined;
  return [...front, ...Array.from({ length: missing }, () => 0), ...back];
}

/** The bytes of groups of sixteen bits. */
function groups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  if (!parts.every((part) => GROUP.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 16)).flatMap((group) => [group >> 8, group & 255]);
}

/** An IPv4 address as two groups; what is none stays as it is, and is no group. */
function asGroups(dotted: string): string {
  const bytes = ipv4(dotted)?.map((byte) => byte.toString(16).padStart(2, '0'));
  return bytes === undefined ? dotted : `${bytes.slice(0, 2).join('')}:${bytes.slice(2).join('')}`;
}
