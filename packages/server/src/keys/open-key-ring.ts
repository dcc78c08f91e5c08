import type { Store } from '@latchkey/domain/ports/store';
import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import { keySetOf } from '@latchkey/tokens/keys/key-set';
import { importSigner, importVerificationKey } from '@latchkey/tokens/keys/node-crypto';
import { importSharedSecret } from '@latchkey/tokens/keys/shared-secret';
import type { Signer } from '@latchkey/tokens/keys/signer';
import { macKeyPlace, sharedSecretPlace, signingKeyPlace } from '../seal/places.ts';
import type { Sealer } from '../seal/seal.ts';
import type { KeyRing, OpenKeys } from './key-ring.ts';

/** Opens the keys of the store, once for each number of the catalogue. Simultaneous callers wait for one opening. */
export function createKeyRing(store: Store, sealer: Sealer): KeyRing {
  let held: { readonly catalogue: number; readonly keys: Promise<OpenKeys> } | undefined;
  return {
    at(catalogue) {
      if (held?.catalogue !== catalogue) {
        const keys = openKeys(store, sealer);
        held = { catalogue, keys };
        keys.catch(() => {
          held = undefined; // a fault is not kept
        });
      }
      return held.keys;
    },
  };
}

async function openKeys(store: Store, sealer: Sealer): Promise<OpenKeys> {
  const rows = (await store.read.signingKeys()).filter(({ state }) => state !== 'revoked');
  const macRows = (await store.read.macKeys()).filter(({ state }) => state !== 'revoked');
  const currentMac = macRows.find(({ state }) => state === 'current');
  if (currentMac === undefined) throw new Error('there is no current MAC key');
  const macKeys = new Map(macRows.map((row) => [row.id, sealer.open(macKeyPlace(row.id), row.sealed)]));
  const macKey = macKeys.get(currentMac.id);
  if (macKey === undefined) throw new Error('there is no current MAC key');

  const signers = new Map<SigningAlgorithm, Signer>();
  for (const row of rows.filter(({ state }) => state === 'current'))
    signers.set(
      row.algorithm,
      importSigner(row.algorithm, row.kid, sealer.open(signingKeyPlace(row.kid), row.sealedPrivate)),
    );
  const shared = (await store.read.sharedSecrets()).map((row) => ({
    ...row,
    key: importSharedSecret(row.kid, sealer.open(sharedSecretPlace(row.kid), row.sealed)),
  }));
  return {
    sharedSecrets: (resource) => shared.filter(({ resourceId }) => resourceId === resource),
    signer(algorithm) {
      const signer = signers.get(algorithm);
      if (signer === undefined) throw new Error(`there is no current key for ${algorithm}`);
      return signer;
    },
    keySet: keySetOf(rows.map(({ jwk }) => importVerificationKey(jwk)).filter((key) => key !== undefined)),
    jwks: { keys: rows.map(({ jwk }) => jwk) },
    macKey: { id: currentMac.id, key: macKey },
    macKeyOf: (id) => macKeys.get(id),
  };
}
