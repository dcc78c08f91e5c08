import { decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { decodeBase64url } from '@latchkey/tokens/formats/base64url';

/** How a client holds its tokens, and so what it was promised when an answer is lost. */
export type Mode = 'plain' | 'attempt' | 'cookie' | 'confidential' | 'keep' | CodeMode;

/** Of clients that send the person to the pages: a public one of our own, and a confidential one of somebody else. */
export type CodeMode = 'portal' | 'shop';

export const isByCode = (mode: Mode): mode is CodeMode => mode === 'portal' || mode === 'shop';

/** One exchange of a refresh token that was answered with tokens. */
export interface Rotation {
  /** Observer's time at which it came in at the server. */
  readonly arrived: number;
  /** Observer's time at which the decision was known to be made. */
  readonly decided: number;
  /** The store's clock, as the decision read it. */
  readonly clock: number;
  readonly attempt: string | undefined;
  readonly successor: string;
}

/** A refresh token that somebody was given. */
export interface RefreshRecord {
  readonly text: string;
  readonly family: FamilyRecord;
  /** How many rotations lie before it. */
  readonly age: number;
  readonly macKey: number;
  readonly rotations: Rotation[];
  /** Observer's times at which it came in at the server. */
  readonly arrivals: number[];
}

export interface FamilyRecord {
  readonly label: string;
  readonly fid: string;
  readonly sid: string;
  readonly sub: string;
  readonly client: string;
  readonly mode: Mode;
  readonly overlap: number;
  /** Observer's times between which the decision that began it was made. */
  readonly arrived: number;
  readonly decided: number;
  /** A thief has copied one of its tokens. */
  isRobbed: boolean;
  /** The database was put back to before the last of it was written: nothing is claimed of it any more. */
  isForgotten: boolean;
  /** Of what was answered: the rotations that must be on disk. */
  age: number;
  /** Tokens of it, by their age, that came in and were not answered: nobody knows yet what they do to it. */
  readonly unanswered: Set<{ readonly age: number }>;
  /** Observer's time of the last answer that told of it. */
  lastTold: number;
}

/** An access token that somebody was given. */
export interface AccessRecord {
  readonly text: string;
  readonly label: string;
  readonly jti: string;
  readonly fid: string;
  readonly sid: string;
  readonly sub: string;
  readonly client: string;
  readonly kid: string;
  readonly aud: string;
  readonly pos: readonly [epoch: number, seq: number];
  /** By the clock of the server that made it, in milliseconds. */
  readonly iat: number;
  readonly exp: number;
  /** Observer's times between which it was decided on. */
  readonly arrived: number;
  readonly decided: number;
}

/** What was given to whom, from the answers alone: nothing here asks the code under test. */
export interface Books {
  readonly families: Map<string, FamilyRecord>;
  readonly refreshTokens: Map<string, RefreshRecord>;
  readonly accessTokens: Map<string, AccessRecord>;
  begin(tokens: Tokens, mode: Mode, overlap: number, between: Between): FamilyRecord;
  refreshed(family: FamilyRecord, age: number, text: string): RefreshRecord;
  access(text: string, between: Between): AccessRecord;
}

/** Observer's times between which something was decided. */
export interface Between {
  readonly arrived: number;
  readonly decided: number;
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

export function createBooks(): Books {
  const families = new Map<string, FamilyRecord>();
  const refreshTokens = new Map<string, RefreshRecord>();
  const accessTokens = new Map<string, AccessRecord>();

  function refreshed(family: FamilyRecord, age: number, text: string): RefreshRecord {
    const known = refreshTokens.get(text);
    if (known !== undefined) return known;
    const record = { text, family, age, macKey: macKeyOf(text), rotations: [], arrivals: [] };
    refreshTokens.set(text, record);
    return record;
  }

  function access(text: string, { arrived, decided }: Between): AccessRecord {
    const token = decodeUnverified(text);
    if (token === undefined) throw new Error('an answer held something that is no access token');
    const { claims, header } = token;
    const word = (name: string): string => String(claims[name] ?? '');
    const [epoch = 0, seq = 0] = word('pos').split(':').map(Number);
    const record: AccessRecord = {
      text,
      label: `a${accessTokens.size + 1}`,
      jti: word('jti'),
      fid: word('fid'),
      sid: word('sid'),
      sub: word('sub'),
      client: word('client_id'),
      kid: String(header.kid ?? ''),
      aud: word('aud'),
      iat: Number(claims.iat) * 1000,
      exp: Number(claims.exp) * 1000,
      pos: [epoch, seq],
      arrived,
      decided,
    };
    accessTokens.set(text, record);
    return record;
  }

  return {
    families,
    refreshTokens,
    accessTokens,
    refreshed,
    access,
    begin(tokens, mode, overlap, { arrived, decided }) {
      const { fid, sid, sub, client } = access(tokens.access, { arrived, decided });
      const label = `f${families.size + 1}`;
      const family: FamilyRecord = {
        label,
        fid,
        sid,
        sub,
        client,
        mode,
        overlap,
        arrived,
        decided,
        isRobbed: false,
        isForgotten: false,
        age: 0,
        unanswered: new Set(),
        lastTold: decided,
      };
      families.set(fid, family);
      refreshed(family, 0, tokens.refresh);
      return family;
    },
  };
}

/** The number of the MAC key stands in the token for all to read. */
function macKeyOf(text: string): number {
  const bytes = decodeBase64url(text.slice('lk_rt_'.length));
  if (bytes === undefined) throw new Error('an answer held something that is no refresh token');
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
}
