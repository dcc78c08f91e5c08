import type { MacKey, SigningKey, SigningKeyState } from '@latchkey/domain/keys/signing-key';
import type { PublicJwk, SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { EpochMilliseconds, Sealed } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { bytesIn, json, jsonIn, millisecondsIn, numberIn, textIn } from './columns.ts';

export const signingKeys = {
  all: () => sql`SELECT * FROM signing_keys ORDER BY created_at, kid`,
  insert: (key: SigningKey) =>
    sql`INSERT INTO signing_keys (kid, algorithm, state, jwk, sealed, created_at, since) VALUES (${key.kid}, ${key.algorithm}, ${key.state}, ${json(key.jwk)}, ${key.sealedPrivate}, ${key.createdAt}, ${key.since})`,
  move: (kid: string, from: SigningKeyState, to: SigningKeyState, at: EpochMilliseconds) =>
    sql`UPDATE signing_keys SET state = ${to}, since = ${at} WHERE kid = ${kid} AND state = ${from}`,
  remove: (kid: string) => sql`DELETE FROM signing_keys WHERE kid = ${kid}`,
  model: (row: Row): SigningKey => ({
    kid: textIn(row, 'kid'),
    algorithm: textIn(row, 'algorithm') as SigningAlgorithm,
    state: textIn(row, 'state') as SigningKeyState,
    jwk: jsonIn<PublicJwk>(row, 'jwk'),
    sealedPrivate: bytesIn(row, 'sealed') as Sealed,
    createdAt: millisecondsIn(row, 'created_at'),
    since: millisecondsIn(row, 'since'),
  }),
};

export const macKeys = {
  all: () => sql`SELECT * FROM mac_keys ORDER BY id`,
  insert: (key: MacKey) =>
    sql`INSERT INTO mac_keys (id, state, sealed, created_at) VALUES (${key.id}, ${key.state}, ${key.sealed}, ${key.createdAt})`,
  move: (keyId: number, to: MacKey['state']) => sql`UPDATE mac_keys SET state = ${to} WHERE id = ${keyId}`,
  model: (row: Row): MacKey => ({
    id: numberIn(row, 'id'),
    state: textIn(row, 'state') as MacKey['state'],
    sealed: bytesIn(row, 'sealed') as Sealed,
    createdAt: millisecondsIn(row, 'created_at'),
  }),
};
