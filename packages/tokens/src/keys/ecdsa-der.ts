/** Bytes of one of the two numbers of a P-256 signature. */
const SIZE = 32;
/** The order of the group of P-256, in words of 32 bits: both numbers lie between 0 and it. @spec FIPS 186-5 §6.4.2 */
const ORDER = [0xffffffff, 0x00000000, 0xffffffff, 0xffffffff, 0xbce6faad, 0xa7179e84, 0xf3b9cac2, 0xfc632551] as const;

/** The DER form of a P-256 signature has at most so many bytes. */
export const DER_BYTES_MAX = 2 + 2 * (2 + SIZE + 1);

/**
 * The DER form of a P-256 signature that came as R‖S; undefined unless both numbers are in range. OpenSSL takes DER:
 * asking it for R‖S instead costs as much again as a tenth of the verification.
 *
 * @param into where it is written: the result is a view of it
 * @spec RFC 7518 §3.4
 */
export function derOfConcatenated(
  signature: Uint8Array,
  into: Uint8Array = new Uint8Array(DER_BYTES_MAX),
): Uint8Array | undefined {
  if (signature.length !== 2 * SIZE) return undefined;
  const numbers = viewOf(signature);
  if (!isInRange(numbers, 0) || !isInRange(numbers, SIZE)) return undefined;
  const end = writeInteger(into, writeInteger(into, 2, numbers, 0), numbers, SIZE);
  into[0] = 0x30;
  into[1] = end - 2;
  return into.subarray(0, end);
}

/** The R‖S form of a P-256 signature that OpenSSL made as DER. */
export function concatenatedOfDer(der: Uint8Array): Uint8Array {
  const signature = new Uint8Array(2 * SIZE);
  const lengthOfR = viewOf(der).getUint8(3);
  copyInteger(der.subarray(4, 4 + lengthOfR), signature.subarray(0, SIZE));
  copyInteger(der.subarray(6 + lengthOfR), signature.subarray(SIZE));
  return signature;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Whether the number at this place is above 0 and below the order: the first word that differs decides. */
function isInRange(numbers: DataView, at: number): boolean {
  let place = at;
  for (const limit of ORDER) {
    const word = numbers.getUint32(place);
    if (word !== limit) return word < limit && !isZero(numbers, at);
    place += 4;
  }
  return false;
}

function isZero(numbers: DataView, at: number): boolean {
  for (let place = at; place < at + SIZE; place += 4) if (numbers.getUint32(place) !== 0) return false;
  return true;
}

/** Writes an unsigned number as DER's signed one: no leading zeros, but one where the first bit is set. */
function writeInteger(der: Uint8Array, to: number, numbers: DataView, from: number): number {
  let start = 0;
  while (numbers.getUint8(from + start) === 0) start += 1;
  const pad = numbers.getUint8(from + start) >= 0x80 ? 1 : 0;
  const length = SIZE - start + pad;
  der[to] = 0x02;
  der[to + 1] = length;
  der[to + 2] = 0;
  for (let index = start; index < SIZE; index++) der[to + 2 + pad + index - start] = numbers.getUint8(from + index);
  return to + 2 + length;
}

function copyInteger(number: Uint8Array, into: Uint8Array): void {
  const digits = number.length > SIZE ? number.subarray(number.length - SIZE) : number;
  into.set(digits, SIZE - digits.length);
}
