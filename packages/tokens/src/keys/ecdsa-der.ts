/** Bytes of one of the two numbers of a P-256 signature. */
const SIZE = 32;
/** The order of the group of P-256: both numbers lie between 0 and it. @spec FIPS 186-5 §6.4.2 */
const ORDER = Uint8Array.from(
  (('ffffffff00000000ffffffffffffffff' + 'bce6faada7179e84f3b9cac2fc632551').match(/../g) ?? []).map((hex) =>
    Number.parseInt(hex, 16),
  ),
);

/**
 * The DER form of a P-256 signature that came as R‖S; undefined unless both numbers are in range. OpenSSL takes DER:
 * asking it for R‖S instead costs as much again as a tenth of the verification.
 *
 * @spec RFC 7518 §3.4
 */
export function derOfConcatenated(signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== 2 * SIZE) return undefined;
  const r = signature.subarray(0, SIZE);
  const s = signature.subarray(SIZE);
  if (!isInRange(r) || !isInRange(s)) return undefined;
  const der = new Uint8Array(2 + 2 * (2 + SIZE + 1));
  const end = writeInteger(der, writeInteger(der, 2, r), s);
  der[0] = 0x30;
  der[1] = end - 2;
  return der.subarray(0, end);
}

/** The R‖S form of a P-256 signature that OpenSSL made as DER. */
export function concatenatedOfDer(der: Uint8Array): Uint8Array {
  const signature = new Uint8Array(2 * SIZE);
  const lengthOfR = der[3] ?? 0;
  copyInteger(der.subarray(4, 4 + lengthOfR), signature.subarray(0, SIZE));
  copyInteger(der.subarray(6 + lengthOfR), signature.subarray(SIZE));
  return signature;
}

function isInRange(number: Uint8Array): boolean {
  if (number.every((byte) => byte === 0)) return false;
  for (let index = 0; index < SIZE; index++) {
    const difference = (number[index] ?? 0) - (ORDER[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Writes an unsigned number as DER's signed one: no leading zeros, but one where the first bit is set. */
function writeInteger(der: Uint8Array, at: number, number: Uint8Array): number {
  let start = 0;
  while (number[start] === 0) start += 1;
  const pad = (number[start] ?? 0) >= 0x80 ? 1 : 0;
  const length = SIZE - start + pad;
  der[at] = 0x02;
  der[at + 1] = length;
  der.set(number.subarray(start), at + 2 + pad);
  return at + 2 + length;
}

function copyInteger(number: Uint8Array, into: Uint8Array): void {
  const digits = number.length > SIZE ? number.subarray(number.length - SIZE) : number;
  into.set(digits, SIZE - digits.length);
}
