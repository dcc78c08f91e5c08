import { deflateSync, inflate } from 'node:zlib';
import { LIMITS } from '@latchkey/protocol/limits';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/** What a status says of its token. All others are a matter between issuer and reader. @spec TSL draft-21 §7.1 */
export const STATUS = { valid: 0, invalid: 1, suspended: 2 } as const;

/** How many bits a status has: one byte holds one, two, four or eight of them. */
export type StatusBits = 1 | 2 | 4 | 8;

/** The statuses of many tokens, packed, the first of them in the lowest bits of the first byte. */
export interface StatusList {
  readonly bits: StatusBits;
  readonly bytes: Uint8Array;
}

/** A status list as it stands in JSON. */
export interface EncodedStatusList {
  readonly bits: StatusBits;
  /** The base64url of the packed statuses, compressed. */
  readonly lst: string;
}

/**
 * Packs statuses into a list of a fixed size, in which every token that is not named is valid: so the size tells nothing
 * of how many tokens there are. A status that has no room in its bits is a bug of the caller, and throws.
 *
 * @spec TSL draft-21 §4.1 (bit order), §7.1 (a list of one bit knows no third status)
 */
export function createStatusList(
  bits: StatusBits,
  size: number,
  statuses: Iterable<readonly [index: number, status: number]>,
): StatusList {
  const bytes = new Uint8Array(Math.ceil((size * bits) / 8));
  const view = new DataView(bytes.buffer);
  for (const [index, status] of statuses) {
    if (!Number.isInteger(index) || index < 0 || index >= size) throw new RangeError('an index beyond the list');
    if (!Number.isInteger(status) || status < 0 || status >= 2 ** bits)
      throw new RangeError(`the status ${status} needs more than ${bits} bits`);
    const place = index * bits;
    const at = place >> 3;
    const shift = place & 7;
    const others = view.getUint8(at) & ~((2 ** bits - 1) << shift);
    view.setUint8(at, others | (status << shift));
  }
  return { bits, bytes };
}

/** The status at an index; undefined beyond the end of the list. @spec TSL draft-21 §4.1, §8.3 */
export function statusAt({ bits, bytes }: StatusList, index: number): number | undefined {
  const perByte = 8 / bits;
  const byte = bytes[Math.floor(index / perByte)];
  return byte === undefined ? undefined : (byte >> ((index % perByte) * bits)) & (2 ** bits - 1);
}

/** @spec TSL draft-21 §4.2 (DEFLATE in the ZLIB format, as small as it gets) */
export const encodeStatusList = ({ bits, bytes }: StatusList): EncodedStatusList => ({
  bits,
  lst: encodeBase64url(deflateSync(bytes, { level: 9 })),
});

/**
 * Reads a list from JSON; undefined for anything else. It is inflated piece by piece, beside the requests that wait, and
 * no further than a list may be: a few bytes can say that they are gigabytes.
 *
 * @spec TSL draft-21 §4.2, §11 (a bounded decompression)
 */
export async function decodeStatusList(value: unknown): Promise<StatusList | undefined> {
  if (typeof value !== 'object' || value === null || !('bits' in value) || !('lst' in value)) return undefined;
  const { bits, lst } = value;
  if (!isBits(bits) || typeof lst !== 'string') return undefined;
  const compressed = decodeBase64url(lst);
  const bytes = compressed === undefined ? undefined : await inflated(compressed);
  return bytes === undefined ? undefined : { bits, bytes };
}

const isBits = (bits: unknown): bits is StatusBits => bits === 1 || bits === 2 || bits === 4 || bits === 8;

/** Undefined for what is not in the ZLIB format: raw DEFLATE and gzip are not. */
const inflated = (compressed: Uint8Array): Promise<Uint8Array | undefined> =>
  new Promise((resolve) => {
    inflate(compressed, { maxOutputLength: LIMITS.statusListBytesMax }, (error, bytes) =>
      resolve(error === null ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : undefined),
    );
  });
