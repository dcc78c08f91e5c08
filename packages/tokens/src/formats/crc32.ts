const POLYNOMIAL = 0xedb88320;
const TABLE = new DataView(new ArrayBuffer(1024));
for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
  TABLE.setUint32(byte * 4, rest >>> 0);
}

/** The CRC-32 of an ASCII text, as zip and gzip have it. Node has one of its own from 20.15 on only. @spec ISO 3309 */
export function crc32(text: string): number {
  let rest = 0xffffffff;
  for (let index = 0; index < text.length; index++)
    rest = (rest >>> 8) ^ TABLE.getUint32(((rest ^ text.charCodeAt(index)) & 255) * 4);
  return (rest ^ 0xffffffff) >>> 0;
}
