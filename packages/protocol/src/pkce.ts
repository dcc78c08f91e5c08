/**
 * Whether a text is the base64url of a SHA-256 hash: 43 characters without padding, the last one without stray bits,
 * so that every hash has exactly one spelling.
 *
 * @spec RFC 7636 §4.2 (PKCE-03)
 */
export const isCodeChallenge = (text: string): boolean => /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text);

/**
 * Whether a text may be a code verifier: 43 to 128 unreserved characters.
 *
 * @spec RFC 7636 §4.1 (PKCE-04)
 */
export const isCodeVerifier = (text: string): boolean => /^[A-Za-z0-9._~-]{43,128}$/.test(text);
