/** Bytes of one of the two numbers of a P-256 signature. */
const SIZE = 32;
/** The order of the group of P-256: both numbers lie between 0 and it. @spec FIPS 186-5 §6.4.2 */
const ORDER = Uint8Array.from(
  (('ffffffff00000000ffffffffffffffff' + 'bce6faada7179e84f3b9cac2fc632551').match(/../g) ?? []).map((hex) =>
    Number.parseInt(hex, 16),
  ),
);

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
  if (signature.length !== 2 * SIZE || !isInRange(signature, 0) || !isInRange(signature, SIZE)) return undefined;
  const end = writeInteger(into, writeInteger(into, 2, signature, 0), signature, SIZE);
  into[0] = 0x30;
  into[1] = end - 2;
  return into.subarray(0, end);
}

/** The R‖S form of a P-256 signature that OpenSSL made as DER. */
export function concatenatedOfDer(der: Uint8Array): Uint8Array {
  const signature = new Uint8Array(2 * SIZE);
  const lengthOfR = der[3] ?? 0;
  copyInteger(der.subarray(4, 4 + lengthOfR), signature.subarray(0, SIZE));
  copyInteger(der.subarray(6 + lengthOfR), signature.subarray(SIZE));
  return signature;
}

/** Whether the number at this place is above 0 and below the order. */
function isInRange(signature: Uint8Array, at: number): boolean {
  let isZero = true;
  let isBelow: boolean | undefined;
  for (let index = 0; index < SIZE; index++) {
    const byte = signature[at + index] ?? 0;
    const limit = ORDER[index] ?? 0;
    if (byte !== 0) isZero = false;
    if (isBelow === undefined && byte !== limit) isBelow = byte < limit;
  }
  return !isZero && isBelow === true;
}

/** Writes an unsigned number as DER's signed one: no leading zeros, but one where the first bit is set. */
function writeInteger(der: Uint8Array, to: number, signature: Uint8Array, from: number): number {
  let start = 0;
  while (signature[from + start] === 0) start += 1;
  const pad = (signature[from + start] ?? 0) >= 0x80 ? 1 : 0;
  const length = SIZE - start + pad;
  der[to] = 0x02;
  der[to + 1] = length;
  der[to + 2] = 0;
  for (let index = start; index < SIZE; index++) der[to + 2 + pad + index - start] = signature[from + index] ?? 0;
  return to + 2 + length;
}

function copyInteger(number: Uint8Array, into: Uint8Array): void {
  const digits = number.length > SIZE ? number.subarray(number.length - SIZE) : number;
  into.set(digits, SIZE - digits.length);
}
