import { createHash } from 'node:crypto';
import { LIMITS } from '@latchkey/protocol/limits';
import { FileUnusable } from '../file-unusable.ts';
import { readSmallFile } from './small-file.ts';

/** The image on top of the pages. */
export interface Logo {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: 'image/svg+xml' | 'image/png';
  /** Changes with the image, and says nothing about it. */
  readonly version: string;
}

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/**
 * Reads a logo. What it is stands in the file and not in its name: the name goes nowhere.
 *
 * @throws FileUnusable
 */
export function readLogo(path: string): Logo {
  const read = readSmallFile(path, LIMITS.pagesLogoBytesMax);
  const contentType = typeOf(read);
  if (contentType === undefined)
    throw new FileUnusable(`${path} is neither SVG nor PNG.`, 'Save the logo as one of them.');
  const version = createHash('sha256').update(read).digest('hex').slice(0, 12);
  return { bytes: new Uint8Array(read), contentType, version };
}

function typeOf(bytes: Buffer): Logo['contentType'] | undefined {
  if (bytes.subarray(0, PNG.length).equals(PNG)) return 'image/png';
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  // an XML declaration, comments and a document type may stand before the root element
  return /^\s*(?:<\?[^>]*>\s*|<!--.*?-->\s*|<!DOCTYPE[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<svg[\s>/]/s.test(text)
    ? 'image/svg+xml'
    : undefined;
}
