import { LIMITS } from '@latchkey/protocol/limits';

/** A JSON object as it was parsed: its members are looked up by name and come from nowhere else. */
export type JsonObject = Readonly<Record<string, unknown>>;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the UTF-8 JSON object of a header or of claims. Undefined for bad UTF-8, a byte order mark, anything that is
 * no object, a member name that occurs twice in one object, and nesting beyond the limit.
 *
 * `JSON.parse` keeps the last of two members silently, so that two parsers may see two tokens in one: a scan of the
 * text finds that first. `__proto__` becomes a member like any other.
 *
 * Names are not written with escapes where they need none: V8 14 reads `"\u0061"` as a backslash once it has seen an
 * object with such a name in that place, so that two parsers may see two tokens once more. Such a text is refused.
 *
 * @spec RFC 7519 §7.2, RFC 7515 §4 (duplicate names), RFC 8725 §3.7 (UTF-8)
 */
export function parseStrictJson(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = UTF8.decode(bytes);
    if (text.charCodeAt(0) === 0xfeff) return undefined;
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    if (isDeeper(value, LIMITS.jsonDepthMax)) return undefined;
    // what is written again as it was has lost no member: so nearly every token spares itself the scan
    return JSON.stringify(value) === text || hasPlainNames(text) ? (value as JsonObject) : undefined;
  } catch (error) {
    // what `decode` and `parse` throw for bad input, and nothing else
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether objects and arrays nest deeper than that; looks no further, so that no input exhausts the stack. */
function isDeeper(value: object, depth: number): boolean {
  if (depth === 0) return true;
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null && isDeeper(member, depth - 1)) return true;
  return false;
}

/** Scans text that is known to be JSON: whether all names of each object differ, and are written without escapes. */
function hasPlainNames(text: string): boolean {
  const open: (Set<string> | undefined)[] = []; // a set of names for an object, undefined for an array
  let expectsName = false;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x22: {
        const end = endOfString(text, index);
        const names = open.at(-1);
        if (expectsName && names !== undefined) {
          const name = text.slice(index + 1, end);
          if (names.has(name) || name.includes('\\')) return false;
          names.add(name);
          expectsName = false;
        }
        index = end;
        break;
      }
      case 0x7b:
        open.push(new Set());
        expectsName = true;
        break;
      case 0x5b:
        open.push(undefined);
        expectsName = false;
        break;
      case 0x7d:
      case 0x5d:
        open.pop();
        expectsName = false;
        break;
      case 0x2c:
        expectsName = open.at(-1) !== undefined;
        break;
      default:
    }
  }
  return true;
}

/** The closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  if (!text.slice(start, end).includes('\\')) return end;
  end = start + 1;
  while (text.charCodeAt(end) !== 0x22) end += text.charCodeAt(end) === 0x5c ? 2 : 1;
  return end;
}

/** Reads an own member; what an object inherits is no claim. */
export const member = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;
