import pino from 'pino';
import type { Log } from './log.ts';

/** Names of fields whose values are never written, wherever they come from. */
const SECRET_FIELD =
  /pass(word|wd)|secret|token$|^token|authorization|cookie|credential|assertion|private|seed|^code$/i;
/** Shapes of our own secrets, and of any JWT, in whatever text they turn up. */
const SECRET_TEXT = /lk_(?:rt|cs|rs|at|live|test)_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g;

/** A structured log: one JSON object a line. What looks like a secret, by name or by shape, is not written. */
export function createLog(
  level: 'silent' | 'error' | 'warn' | 'info',
  destination: { write(line: string): void },
): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' },
    destination,
  );
  return {
    info: (event, fields) => logger.info(cleaned(fields), event),
    warn: (event, fields) => logger.warn(cleaned(fields), event),
    error: (event, fields) => logger.error(cleaned(fields), event),
  };
}

function cleaned(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields))
    clean[name] = SECRET_FIELD.test(name) ? '[secret]' : cleanedValue(value);
  return clean;
}

function cleanedValue(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(SECRET_TEXT, '[secret]');
  if (value instanceof Error)
    return {
      name: value.name,
      message: value.message.replace(SECRET_TEXT, '[secret]'),
      stack: value.stack?.replace(SECRET_TEXT, '[secret]'),
    };
  if (Array.isArray(value)) return value.map(cleanedValue);
  if (typeof value === 'object' && value !== null) return cleaned(value as Record<string, unknown>);
  return value;
}
