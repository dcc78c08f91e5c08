import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const FORM = /^([0-9]{1,9})([smhd])$/;

/** Reads `90s`, `15m`, `24h` or `7d` as seconds. */
export function parseDuration(text: string): number {
  const [, number, unit] = FORM.exec(text) ?? (text === '0' ? ['', '0', 's'] : []);
  if (number === undefined || unit === undefined) throw new InvalidArgumentError('Write 0, 90s, 15m, 24h or 7d.');
  return Number(number) * (UNITS[unit] ?? 0);
}

/** Reads a whole number. */
export function parseWhole(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}
