import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { PublicJwk, SigningAlgorithm } from '@latchkey/protocol/jwk';
import { thumbprint } from './thumbprint.ts';

const generate = promisify(generateKeyPair);

/** A new key: its public half as published, and its private half as PKCS #8, to be sealed at once. */
export interface GeneratedKey {
  readonly jwk: PublicJwk;
  readonly pkcs8: Uint8Array;
}

/**
 * Makes a key for an algorithm. RSA takes a while, so none of it blocks. One key in 64 has a thumbprint that begins with a
 * hyphen, which a command line takes for an option (`latchkey key revoke -Xz…`): such a key is thrown away for another.
 * @spec RFC 7518 §3.3 (at least 2048 bits)
 */
export async function generateSigningKey(alg: SigningAlgorithm): Promise<GeneratedKey> {
  for (;;) {
    const { publicKey, privateKey } = await pairFor(alg);
    const jwk = publicKey.export({ format: 'jwk' });
    const kid = thumbprint(jwk);
    if (kid.startsWith('-')) continue;
    const published = { ...jwk, kid, alg, use: 'sig' } as unknown as PublicJwk;
    return { jwk: published, pkcs8: privateKey.export({ format: 'der', type: 'pkcs8' }) };
  }
}

function pairFor(alg: SigningAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (alg) {
    case 'ES256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'RS256':
    case 'PS256':
      return generate('rsa', { modulusLength: 2048 });
    case 'Ed25519':
      return generate('ed25519');
  }
}
