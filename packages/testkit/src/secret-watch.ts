/**
 * Remembers every secret that a test has sent or been given, and finds it again where none may be: in logs, in the
 * database, in answers to what was refused.
 *
 * @spec ASVS 16.2.5 (OPS-01)
 */
export interface SecretWatch {
  /** Remembers a secret, under a word for what it is. */
  add(kind: string, secret: string | Uint8Array): void;
  /** Remembers the secrets of a request. */
  sent(init: RequestInit): void;
  /** Remembers the secrets of an answer. */
  received(headers: Headers, body: string): void;
  /** The kinds of secrets that stand in these bytes, plainly or in hex, base64 or base64url. */
  foundIn(haystack: Uint8Array | string): readonly string[];
  readonly count: number;
}

/** Fields of bodies and forms that carry a secret. */
const FIELD = /^(?:.*password|.*secret|.*token|credential|client_assertion)$/;
/** An id names a thing and opens nothing, wherever a test puts it; audit rows and log lines name things by it. */
const ID = /^[a-z]{3}_[0-9a-z]{26}$/;
/** What is shorter, or made of few characters, is no secret but a word of a test. */
const LENGTH_MIN = 15;
const CHARACTERS_MIN = 8;
/** Longer texts are looked for as they are only, and by their last part, which is the signature of a JWT. */
const LONG = 128;

export function createSecretWatch(): SecretWatch {
  const needles = new Map<number, { readonly kind: string; readonly bytes: Buffer }[]>();
  const known = new Set<string>();

  function addForm(kind: string, bytes: Buffer): void {
    if (bytes.length < 4) return;
    const key = bytes.readUInt32BE(0);
    const others = needles.get(key);
    if (others === undefined) needles.set(key, [{ kind, bytes }]);
    else others.push({ kind, bytes });
  }

  function add(kind: string, secret: string | Uint8Array): void {
    if (typeof secret === 'string' && ID.test(secret)) return;
    const bytes = Buffer.from(secret);
    if (bytes.length < LENGTH_MIN || new Set(bytes).size < CHARACTERS_MIN) return;
    const text = bytes.toString('latin1');
    if (known.has(text)) return;
    known.add(text);
    for (const form of formsOf(bytes)) addForm(kind, form);
  }

  /** Goes through a body of any depth: some tests nest without end. */
  function addFields(body: unknown): void {
    const left = [body];
    for (let value = left.pop(); value !== undefined; value = left.pop()) {
      if (typeof value !== 'object' || value === null) continue;
      for (const [name, member] of Object.entries(value)) {
        if (typeof member !== 'string') left.push(member);
        else if (FIELD.test(name)) add(name, member);
      }
    }
  }

  return {
    add,
    sent({ headers, body }) {
      for (const [name, value] of new Headers(headers)) for (const one of secretsOf(name, value)) add(name, one);
      if (typeof body === 'string') addFields(fieldsOf(body));
    },
    received(headers, body) {
      for (const line of headers.getSetCookie())
        add('cookie', line.slice(line.indexOf('=') + 1).split(';', 1)[0] ?? '');
      addFields(fieldsOf(body));
    },
    foundIn(haystack) {
      const bytes = typeof haystack === 'string' ? Buffer.from(haystack) : Buffer.from(haystack);
      const kinds = new Set<string>();
      const standsAt = (needle: Buffer, start: number): boolean =>
        start >= 0 &&
        start + needle.length <= bytes.length &&
        bytes.compare(needle, 0, needle.length, start, start + needle.length) === 0;
      let window = 0; // the last four bytes
      for (let at = 0; at < bytes.length; at++) {
        window = ((window << 8) | (bytes[at] ?? 0)) >>> 0;
        for (const needle of needles.get(window) ?? []) if (standsAt(needle.bytes, at - 3)) kinds.add(needle.kind);
      }
      return [...kinds];
    },
    get count() {
      return known.size;
    },
  };
}

function formsOf(bytes: Buffer): readonly Buffer[] {
  if (bytes.length > LONG) return [bytes, bytes.subarray(bytes.lastIndexOf('.') + 1)];
  return [bytes, ...(['hex', 'base64', 'base64url'] as const).map((encoding) => Buffer.from(bytes.toString(encoding)))];
}

/** The fields of a JSON body or of a form; nothing where it is neither. */
function fieldsOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return Object.fromEntries(new URLSearchParams(body));
  }
}

/** What of a header's value is secret. */
function secretsOf(name: string, value: string): readonly string[] {
  if (name === 'cookie') return value.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1));
  if (name === 'x-latchkey-csrf') return [value];
  if (name !== 'authorization') return [];
  const [scheme = '', credentials = ''] = value.split(' ');
  if (!/^basic$/i.test(scheme)) return [credentials];
  const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
  return [credentials, secret];
}
