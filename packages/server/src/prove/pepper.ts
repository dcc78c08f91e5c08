import { createHmac } from 'node:crypto';
import { SecretUnusable } from '../seal/kek.ts';
import type { PasswordHasher } from './password-hasher.ts';

/** A key outside of the database without which a stolen hash cannot even be guessed at. */
export interface Pepper {
  readonly id: string;
  readonly key: Uint8Array;
}

const BYTES = 32;
const LINE = /^([a-z0-9]{1,16})\s+([A-Za-z0-9+/]{43}=)$/;
const PREFIX = '$pepper$';

/**
 * Reads the peppers of a file: a line each, an id and 32 bytes in base64. The first is used for new hashes; the others
 * are there for hashes that were made before.
 *
 * @throws SecretUnusable
 */
export function parsePeppers(text: string): readonly Pepper[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const peppers = lines.map((line) => {
    const [, id, key] = LINE.exec(line.trim()) ?? [];
    if (id === undefined || key === undefined)
      throw new SecretUnusable(
        `a line of the pepper file is not an id and ${BYTES} bytes in base64: p1 <openssl rand -base64 ${BYTES}>`,
      );
    return { id, key: Buffer.from(key, 'base64') };
  });
  if (peppers.length === 0) throw new SecretUnusable('the pepper file is empty');
  if (new Set(peppers.map(({ id }) => id)).size < peppers.length)
    throw new SecretUnusable('two lines of the pepper file have the same id');
  return peppers;
}

/**
 * A hasher of passwords that go through a keyed hash first. What was hashed under another pepper, or without one, still
 * verifies, and counts as outdated: it is hashed anew when its owner signs in.
 *
 * @spec SP 800-63B-4 §3.1.1.2 (keyed hash with a key kept apart); PWD-08
 */
export function withPepper(inner: PasswordHasher, peppers: readonly Pepper[]): PasswordHasher {
  const [current] = peppers;
  if (current === undefined) return inner;
  const keyed = ({ key }: Pepper, password: string) => createHmac('sha256', key).update(password).digest('base64');
  return {
    async hash(password) {
      const phc = await inner.hash(keyed(current, password));
      return phc.ok ? { ok: true, value: `${PREFIX}${current.id}${phc.value}` } : phc;
    },
    verify(password, phc) {
      if (phc?.startsWith(PREFIX) !== true) return inner.verify(password, phc);
      const [, , id] = phc.split('$');
      const pepper = peppers.find((one) => one.id === id);
      if (pepper === undefined) throw new Error('a password was hashed under a pepper that is not in the pepper file');
      return inner.verify(keyed(pepper, password), phc.slice(PREFIX.length + pepper.id.length));
    },
    isOutdated: (phc) => {
      const prefix = `${PREFIX}${current.id}`;
      return !phc.startsWith(`${prefix}$`) || inner.isOutdated(phc.slice(prefix.length));
    },
  };
}
