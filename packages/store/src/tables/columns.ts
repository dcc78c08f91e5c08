import { type IdPrefix, type Ids, idBytes, idText } from '@latchkey/protocol/ids';
import type { Position } from '@latchkey/protocol/position';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import type { Row, SqlValue } from '../sql.ts';

/**
 * What columns hold and what models hold, each way. This is the edge at which a row's values get their types: a value
 * of another type means a broken database, and throws.
 */
const wrong = (name: string): never => {
  throw new TypeError(`the column ${name} holds a value of the wrong type`);
};

export const textIn = (row: Row, name: string): string => {
  const value = row[name];
  return typeof value === 'string' ? value : wrong(name);
};
export const numberIn = (row: Row, name: string): number => {
  const value = row[name];
  return typeof value === 'number' ? value : wrong(name);
};
export const bytesIn = (row: Row, name: string): Uint8Array => {
  const value = row[name];
  return value instanceof Uint8Array ? value : wrong(name);
};
export const isNull = (row: Row, name: string): boolean => row[name] === null;

export const millisecondsIn = (row: Row, name: string): EpochMilliseconds => numberIn(row, name) as EpochMilliseconds;
export const secondsIn = (row: Row, name: string): EpochSeconds => numberIn(row, name) as EpochSeconds;
export const idIn = <P extends IdPrefix>(row: Row, name: string, prefix: P): Ids[P] =>
  idText(prefix, bytesIn(row, name));
export const jsonIn = <T>(row: Row, name: string): T => JSON.parse(textIn(row, name)) as T;

/** Reads a column that may be NULL. */
export const optional = <T>(row: Row, name: string, read: (row: Row, name: string) => T): T | undefined =>
  isNull(row, name) ? undefined : read(row, name);

export const positionIn = (row: Row, prefix: string): Position => ({
  epoch: numberIn(row, `${prefix}_epoch`),
  seq: numberIn(row, `${prefix}_seq`),
});

export const id = (value: Ids[IdPrefix]): Uint8Array => idBytes(value);
export const optionalId = (value: Ids[IdPrefix] | undefined): SqlValue => (value === undefined ? null : idBytes(value));
export const json = (value: unknown): string => JSON.stringify(value);
export const orNull = <T extends SqlValue>(value: T | undefined): T | null => value ?? null;
export const flag = (value: boolean): number => (value ? 1 : 0);
