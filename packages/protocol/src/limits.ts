/** Every maximum of what comes in, waits or is kept. Each has a test one past it. */
export const LIMITS = {
  /** A compact token, in characters, checked before anything is decoded. @spec RFC 8725bis §3 (limits) */
  tokenMax: 16_384,
  /** The size that a resource's access tokens may have, in bytes: what it is unless set, and what it can be set to. */
  accessTokenBytesDefault: 2_048,
  accessTokenBytesMin: 512,
  accessTokenBytesMax: 16_384,
  /** A status list: packed, in bytes; as a token, in characters; and how many a reader keeps, in lists and in bytes. */
  statusListBytesMax: 16_777_216,
  statusListTokenMax: 4_194_304,
  statusListsKept: 100,
  statusListsKeptBytes: 67_108_864,
  /** Status lists that one answer names. */
  statusListsTold: 10_000,
  /** Tokens that a process remembers to have been used, where each may be used once. */
  usesRememberedMax: 100_000,
  /** How deep the JSON of a header or of claims may nest. */
  jsonDepthMax: 16,
  /** A key set, in bytes and in keys. */
  keySetBytesMax: 65_536,
  keySetKeysMax: 100,
  /** A `kid`, in characters: it is untrusted text and only ever looked up. */
  kidMax: 128,
  /** A request body of the OAuth endpoints and of the first-party API, in bytes. */
  bodyBytesMax: 65_536,
  /** A request body of the admin API and of reports, in bytes. */
  adminBodyBytesMax: 262_144,
  /** Parameters of one form. */
  parametersMax: 100,
  /** One `scope` parameter, in characters, and the scope names in it. */
  scopeCharactersMax: 2_048,
  scopeNamesMax: 100,
  /** `resource` parameters in one request. */
  resourcesMax: 10,
  /** A login identifier, in characters after normalisation. */
  identifierMax: 254,
  identifiersPerAccountMax: 10,
  /** What stands before the @ of an address that mail is sent to, in characters. @spec RFC 5321 §4.5.3.1.1 */
  mailLocalPartMax: 64,
  /** A password: at least so many code points, at most so many bytes of UTF-8. @spec SP 800-63B-4 §3.1.1.2 */
  passwordCodePointsMin: 15,
  passwordBytesMax: 1_024,
  /** An answer about breached passwords, in bytes, and the questions that may be under way. */
  breachAnswerBytesMax: 262_144,
  breachLookupsMax: 32,
  /** A client secret as presented, in characters. */
  clientSecretMax: 256,
  secretsPerOwnerMax: 5,
  /** Secrets that one API shares with the server: those that verify on, and the one that signs. */
  sharedSecretsPerResourceMax: 5,
  /** A client's own retry id at refresh, in characters. */
  attemptIdMax: 64,
  /** Live sessions of one account; one more ends the oldest. */
  sessionsPerAccountMax: 100,
  /** Live families of one account for one client; one more ends the one that was unused for longest. */
  familiesPerClientMax: 100,
  /** Access tokens of one client that left a row; one more takes the place of the one that expires first. */
  tokenRecordsPerClientMax: 100_000,
  /** The same of those that have a place in a status list, none of which makes way: one more is refused. */
  statusRecordsPerClientMax: 1_000_000,
  /** A name or user agent that is kept for people to read, in characters. */
  nameMax: 200,
  /** The name of the deployment on its pages, in characters. */
  pagesNameMax: 60,
  /** The files with a logo and with texts of one's own, in bytes, and such a text, in characters. */
  pagesLogoBytesMax: 262_144,
  pagesTextsBytesMax: 262_144,
  pagesTextMax: 1_000,
  userAgentMax: 256,
  /** Mails that development mode keeps to be looked at. */
  caughtMailsMax: 50,
  /** A claim of a profile, or a part of an address, in characters; a part of several lines; a URL. */
  profileTextMax: 200,
  addressLinesMax: 1_000,
  profileUrlMax: 2_048,
  /** The name of a time zone, in characters, and a language tag. @spec RFC 5646 §4.4.1 */
  zoneMax: 64,
  localeMax: 35,
  /** A telephone number, in digits, and its extension. @spec E.164 §6 */
  phoneDigitsMax: 15,
  phoneExtensionMax: 10,
  /** Claims that a resource takes from metadata, and the name of a claim, in characters. */
  mappedClaimsMax: 20,
  claimNameMax: 128,
  /** Roles that a resource gives permissions, the permissions of one, and the name of one, in characters. */
  permissionRolesMax: 100,
  permissionsPerRoleMax: 100,
  permissionMax: 100,
  /** What the deployment's own hook says of a token: in bytes, in claims, and how many it may be asked about at a time. */
  hookAnswerBytesMax: 16_384,
  hookClaimsMax: 50,
  hookCallsMax: 100,
  /** What is kept about an account for its APIs: entries, bytes of JSON, a name and a text in characters, texts of a list. */
  metadataEntriesMax: 50,
  metadataBytesMax: 4_096,
  metadataNameMax: 64,
  metadataTextMax: 1_000,
  metadataListMax: 50,
  /** The organisation that an account belongs to, in characters. */
  tenantMax: 64,
  originsPerClientMax: 20,
  rolesPerAccountMax: 100,
  /** The name of a role, in characters. */
  roleMax: 64,
  /** Resources of a deployment, and the identifier of one, in characters. */
  resourcesKeptMax: 1_000,
  resourceIdentifierMax: 512,
  /** Live API keys of one owner, the networks of one, and what is noted with it: entries, and a text of one, in characters. */
  apiKeysPerOwnerMax: 100,
  apiKeyNetworksMax: 20,
  apiKeyMetadataMax: 20,
  apiKeyMetadataTextMax: 200,
  /** Uses of an API key in a quota or a rate. */
  apiKeyUsesMax: 1_000_000_000,
  /** Keys in one report of leaked ones. */
  leakedKeysPerReportMax: 100,
  /** Rows of one answer of the admin API. */
  pageRowsMax: 200,
  /** Events of one page of the feed. */
  feedPageMax: 5_000,
  /** What one reader of the feed may leave unread, in bytes, before it is cut off. */
  feedBacklogBytesMax: 1_048_576,
  /** Streams of the feed: of one credential, and in all. */
  streamsPerCredentialMax: 200,
  streamsMax: 2_000,
  /** Revocations in a verifier's memory, beyond which it counts as stale. */
  revocationSetMax: 1_000_000,
  /** Verified tokens in a verifier's memory: how many unless said, and how many may be said. */
  tokenCacheMax: 10_000,
  tokenCacheMost: 1_000_000,
  /** Refused answers of introspection that a verifier keeps, and the questions that it has under way. */
  refusedAnswersMax: 10_000,
  introspectionsMax: 50,
  /** API keys whose uses a verifier counts. */
  meteredKeysMax: 10_000,
  /** Clients, resources and lists of secrets that a node keeps in memory, of each kind. */
  catalogueRowsMax: 10_000,
  /** Password hashes that may wait; one more answers 503. */
  hashQueueMax: 64,
  /** Refusals that a process keeps for `token explain`, and in one report. */
  refusalsKept: 10_000,
  refusalsPerReportMax: 500,
  /** Single-token revocations of one client in the feed's memory, beyond which one cut-off replaces them. */
  tokenEventsPerClientMax: 1_000,
  /** Parameters of an authorization request that are kept or sent back, in characters. */
  stateMax: 2_048,
  nonceMax: 512,
  loginHintMax: 254,
  idTokenHintMax: 16_384,
  claimsRequestMax: 4_096,
  /** `acr_values` and `ui_locales`: each list in characters, and the names in it. */
  nameListCharactersMax: 2_048,
  acrValuesMax: 10,
  /** Levels of assurance of a deployment, the name of one, in characters, and the methods that it asks for. */
  acrLevelsMax: 10,
  acrValueMax: 200,
  acrMethodsMax: 10,
  uiLocalesMax: 20,
  /** A redirect URI, in characters, and those of one client. */
  redirectUriMax: 2_048,
  redirectUrisPerClientMax: 20,
  /** An authorization code as presented, in characters, and the failed tries that end it. */
  codeMax: 128,
  codeTriesMax: 3,
  /** Origins that the server may fetch from although they are on its own network. */
  fetchAllowMax: 100,
  /** The method and the path with its query of a request that a proxy asks about, in characters. */
  methodMax: 32,
  forwardedUriMax: 8_192,
  /** Messages of the outbox that one round looks at, and receivers that are served at the same time. */
  outboxBatch: 100,
  outboxReceiversAtOnce: 8,
  /** The name of a verifier process, in characters, and those of one resource that told anything lately. */
  verifierNameMax: 100,
  verifierInstancesMax: 1_000,
  /** Keys that one report of a verifier has counts of, leases of, or wishes for. */
  keysPerReportMax: 1_000,
  /** Uses of a key in one report, allowed or refused: more is a mistake of whoever counted. */
  usesPerReportMax: 10_000_000,
  /** Uses of one lease of an API key, where its quota is not very large. */
  leaseUsesMax: 1_000,
  /** Leases of one key that may still be closed. */
  leasesPerApiKeyMax: 1_000,
  /** Keys whose uses a node counts in memory until they are written down. */
  keysCountedMax: 10_000,
  /** Counts of hours and days that are looked at to find the keys of a resource that are used most. */
  usageRowsMax: 20_000,
  /** Verifiers among which one rate is shared, and rates that are shared at the same time. */
  verifiersPerRateMax: 1_000,
} as const;

/** Lifetimes and waits that no setting may exceed, in seconds. */
export const DURATIONS = {
  /** @spec NUM-02 */
  accessTokenDefault: 300,
  accessTokenMin: 60,
  accessTokenMax: 3_600,
  /** The longest life of a token that was made of an API key. */
  exchangedTokenMax: 300,
  /** Leeway for `exp` and `nbf`. @spec NUM-06 */
  leewayDefault: 30,
  leewayMax: 60,
  /** How far `iat` may lie in the future, where the leeway is not more. @spec NUM-07 */
  issuedInFuture: 10,
  /** How far ahead `exp` may lie: more is a time in milliseconds, or nonsense. @spec RFC 7519 §2 (JWT-24) */
  expiryAheadMax: 10 * 365 * 86_400,
  /** How long an event stays in the log: an access token's longest life, leeway and skew. */
  eventRetention: 3_600 + 60 + 120,
  /** How long the secret that a rotation replaces may stay good beside its successor. */
  secretOverlapMax: 30 * 86_400,
  /** How long a spent refresh token may be repeated after a rotation. */
  overlapDefault: 10,
  overlapMax: 30,
  heartbeatInterval: 2,
  /** A key set may be kept so long; a new key is published at least so long before it signs. */
  keySetMaxAge: 300,
  /** How long a new password waits to hear whether it is known from a breach. @spec ASVS 6.2.12 (PWD-06) */
  breachLookup: 2,
  /** An authorization code. @spec RFC 6749 §4.1.2 (at most ten minutes) */
  codeDefault: 60,
  codeMax: 600,
  /** An attempt to sign in on the hosted pages, from its first page to its last. */
  loginAttempt: 1_800,
  /** A link that was sent by mail, and how long a request for one may wait for its mail. @spec NUM-14 */
  oneTimeLink: 600,
  /** The link by which somebody becomes an administrator. */
  setUpLink: 3_600,
  idToken: 3_600,
  /** An assertion that a proxy hands on with one request. */
  forwardAssertion: 60,
  /** A logout token. @spec OIDC Back-Channel Logout §2.4 (two minutes at most) */
  logoutToken: 120,
  /** For how long a client is told again that a session has ended, until its server is given up. */
  backchannelLogoutRetry: 86_400,
  /** For how long an alert is brought to its receiver again. */
  alertRetry: 14 * 86_400,
  /** How long ago the sign-in of a level of assurance may have been: long enough to come back from the page. */
  acrWithinMin: 30,
  acrWithinMax: 365 * 86_400,
  /** How long ago a person may have proved who they are, for a change that matters. @spec ASVS 7.5.1, 7.5.2 (SES-06) */
  freshAuthentication: 300,
  /** How long an API key lives, and how long it may be said to. @spec ASVS 13.3 (APK-03) */
  apiKeyDefault: 90 * 86_400,
  apiKeyMax: 730 * 86_400,
  /** How long the secret of an API key stays good beside the one that a rotation has put in its place. */
  apiKeyOverlapDefault: 86_400,
  /** Over how long the rate of an API key may be counted. */
  apiKeyRateMax: 86_400,
  /** For how long an API key that has ended or expired is still known, to whoever asks what became of it. */
  apiKeyKept: 30 * 86_400,
  /** For how long a mail that tells of something is brought to its mailbox again. */
  noticeRetry: 3 * 86_400,
  /** A lease of an API key, how long after it a report may still close it, and when one of no uses is asked again. */
  lease: 60,
  leaseGrace: 60,
  leaseAskAgain: 30,
  /** How often a verifier reports, at the least; one that has not in two of these shares no rate any more. */
  verifierReport: 10,
  /** How long an API process that tells nothing is remembered, so that its last report does not count twice. */
  verifierInstance: 3_600,
  /** How far ahead the hour of counted uses may begin, and how long ago it may have ended. */
  usageAhead: 300,
  usageLate: 86_400,
  /** How long uses are kept by the hour, and then by the day. */
  usageHours: 14 * 86_400,
  usageDays: 400 * 86_400,
} as const;
