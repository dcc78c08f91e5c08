import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Sealed } from '@latchkey/protocol/types';
import type { Sealer, SealPlace } from './seal.ts';

const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;

/** A key for one use, derived from the key-encryption key, so that no two uses share a key. */
const derive = (kek: Uint8Array, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', kek, '', `latchkey ${use}`, 32));

const additional = ({ table, row, purpose, version }: SealPlace): Buffer =>
  Buffer.from(JSON.stringify([table, row, purpose, version]));

/**
 * Seals with AES-256-GCM under a key derived from the key-encryption key. Place and purpose are authenticated with the
 * secret, so that a seal that was moved to another row does not open.
 */
export function createSealer(kek: Uint8Array): Sealer {
  const key = derive(kek, 'seal');
  return {
    seal(place, secret) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(additional(place));
      const body = Buffer.concat([cipher.update(secret), cipher.final()]);
      return new Uint8Array(Buffer.concat([Buffer.of(FORMAT), iv, body, cipher.getAuthTag()])) as Sealed;
    },
    open(place, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes[0] !== FORMAT || bytes.length < 1 + IV_BYTES + TAG_BYTES) throw new Error('not a seal of this format');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(additional(place)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
    },
  };
}

/** The MAC of audit rows, under a key of its own. */
export function createAuditMac(kek: Uint8Array): (bytes: Uint8Array) => Uint8Array {
  const key = derive(kek, 'audit');
  return (bytes) => createHmac('sha256', key).update(bytes).digest();
}

/** The key under which CSRF tokens are bound to their family. */
export const csrfKey = (kek: Uint8Array): Uint8Array => derive(kek, 'csrf');

/** What a node keeps in the database to know the right key-encryption key by; it tells nothing about it. */
export const kekCheck = (kek: Uint8Array): Uint8Array => new Uint8Array(derive(kek, 'check'));
