import type { Decision } from '@latchkey/domain/decision';
import type { Ephemeral } from '@latchkey/domain/ports/ephemeral';
import type { Moment, Reader } from '@latchkey/domain/ports/reader';
import type { Store } from '@latchkey/domain/ports/store';
import type { Committed } from '@latchkey/domain/transact';
import type { ErrorId } from '@latchkey/protocol/errors';
import type { Result } from '@latchkey/protocol/result';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { UsageCounter } from './api-keys/usage-counter.ts';
import type { Appearance } from './appearance/appearance.ts';
import type { BreachedPasswords } from './breached-passwords/breached-passwords.ts';
import type { ClaimHook } from './claim-hook/claim-hook.ts';
import type { Feed } from './feed/feed.ts';
import type { GuardedFetch } from './guarded-fetch/guarded-fetch.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { Mailbox } from './mail/mailbox.ts';
import type { Mailer } from './mail/mailer.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Refusals } from './observe/refusals.ts';
import type { PasswordHasher } from './prove/password-hasher.ts';
import type { Sealer } from './seal/seal.ts';
import type { Settings } from './settings.ts';
import type { StatusLists } from './status-lists/status-lists.ts';
import type { UnknownGuesses } from './throttle/unknown-guesses.ts';

/** Everything that an endpoint may use. `main.ts` makes it; nothing of it is global. */
export interface Server {
  readonly settings: Settings;
  readonly appearance: Appearance;
  readonly store: Store;
  readonly ephemeral: Ephemeral;
  readonly seal: Sealer;
  readonly keys: KeyRing;
  readonly passwords: PasswordHasher;
  readonly breachedPasswords: BreachedPasswords;
  readonly unknownGuesses: UnknownGuesses;
  readonly feed: Feed;
  readonly statusLists: StatusLists;
  /** Undefined where no mail can be sent: whatever needs it is not offered then. */
  readonly mail: Mailer | undefined;
  /** The same, where development mode catches it. */
  readonly mailbox: Mailbox | undefined;
  /** The deployment's own say in what access tokens hold; undefined where it has none. */
  readonly claimHook: ClaimHook | undefined;
  /** The one way to call a URL that somebody else has given. */
  readonly fetch: GuardedFetch;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly refusals: Refusals;
  /** Uses of API keys that no verifier counts. */
  readonly usage: UsageCounter;
  /** The key that binds a CSRF token to its family. */
  readonly csrfKey: Uint8Array;
  /** What /metrics asks for on the main port, if it answers there. */
  readonly metricsToken: string | undefined;
  /** True from the moment in which the server is asked to stop. */
  readonly isDraining: () => boolean;
  /** Random bytes fit for secrets. */
  readonly entropy: (bytes: number) => Uint8Array;
  /** This process's clock, for what no decision rests on. */
  readonly now: () => EpochMilliseconds;
  /** The same clock as it was when the process began, going on evenly whoever sets it: for how long, never for when. */
  readonly steady: () => EpochMilliseconds;
  /**
   * Changes state: `transact` of the domain, and after its commit the log lines, metrics and alerts of its writes.
   */
  commit<Facts, T>(
    load: (read: Reader, moment: Moment) => Promise<Facts>,
    decide: (facts: Facts, moment: Moment) => Decision<T>,
  ): Promise<Committed<T>>;
}

/** A request at the edge, with what the edge has found out about it. */
export interface Call {
  readonly request: Request;
  readonly url: URL;
  /** The parts of the path that the route names: `/admin/api/accounts/:id`. */
  readonly params: Readonly<Record<string, string>>;
  /** From where it came, as far as named proxies are believed; undefined if unknown. */
  readonly address: string | undefined;
  /** Whether the other end of the connection is a named proxy. */
  readonly isFromProxy: boolean;
  /** The target under the issuer's path to the letter, as it came; undefined where only a URL is known. */
  readonly target: string | undefined;
}

/** Why a request is refused, with what the answer may add. */
export interface Refusal {
  readonly error: ErrorId;
  /** One sentence for whoever sent it, beside the catalogue's: which field, which limit. Never an input value. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the credential turned out to be about, for `token explain`: ids by their kind. Never told to the sender. */
  readonly about?: Readonly<Record<string, string>>;
}

export type Answer = Result<Response, Refusal>;

/** Which credentials a route takes; the matrix test tries all others at it and expects to be refused. */
export type CredentialKind =
  | 'none'
  | 'client'
  | 'public_client'
  | 'resource_server'
  | 'refresh_token'
  | 'refresh_cookie'
  | 'session_cookie'
  | 'authorization_code'
  | 'access_token_issuer'
  | 'access_token_openid'
  | 'access_token_admin'
  | 'access_token_api'
  | 'opaque_token'
  | 'api_key'
  | 'metrics_token';

/** How a route words its refusals: RFC 6749 JSON, RFC 9457 problem documents, problem with an RFC 6750 challenge, a page. */
export type Wording = 'oauth' | 'problem' | 'bearer' | 'page';

/** Which origins may read a route's answers: none, all, those of clients, or of first-party clients. Never with credentials. */
export type Cors = 'none' | 'any' | 'registered' | 'first_party';

/** One endpoint: where it is, what it takes, and how it answers. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under the issuer's path; `:name` is a parameter. */
  readonly path: string;
  /** Set where it answers every method, at its path and at all below it. */
  readonly reach?: 'any_method_below';
  /** One sentence for docs/reference/endpoints.md. */
  readonly summary: string;
  readonly credentials: readonly CredentialKind[];
  readonly wording: Wording;
  readonly cors: Cors;
  /** Largest body in bytes; 0 where none is read. */
  readonly bodyMax: number;
  answer(call: Call, server: Server): Promise<Answer>;
}
