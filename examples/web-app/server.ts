// A web app that signs people in with Latchkey: Node http and openid-client. See docs/guides/sign-in-web-app.md.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oidc from 'openid-client';

const issuer = new URL('http://localhost:8400');
const home = 'http://localhost:3000';
const registered: { client_id: string; client_secret: string } = JSON.parse(readFileSync('client.json', 'utf8'));
const proof = oidc.ClientSecretBasic(registered.client_secret);
const plain = issuer.protocol === 'http:' ? { execute: [oidc.allowInsecureRequests] } : {};
const config = await oidc.discovery(issuer, registered.client_id, undefined, proof, plain);
const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ''));

/** What a browser has asked for, and who is signed in there. A real app keeps this in its sessions. */
interface Visit {
  readonly asked?: { readonly state: string; readonly nonce: string; readonly verifier: string };
  readonly name?: string;
  readonly session?: string;
}
const visits = new Map<string, Visit>();

/** Each step gets a cookie of its own, so that nobody can prepare one for somebody else. */
function goOn(visit: Visit, to: string, response: ServerResponse): void {
  const id = randomBytes(32).toString('base64url');
  visits.set(id, visit);
  response.writeHead(303, { location: to, 'set-cookie': `visit=${id}; Path=/; HttpOnly; SameSite=Lax` }).end();
}

async function signIn(response: ServerResponse): Promise<void> {
  const asked = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier() };
  const to = oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${home}/callback`,
    scope: 'openid profile',
    state: asked.state,
    nonce: asked.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(asked.verifier),
    code_challenge_method: 'S256',
  });
  goOn({ asked }, to.href, response);
}

async function callback(url: URL, { asked }: Visit, response: ServerResponse): Promise<void> {
  if (asked === undefined) throw new Error('this browser has not asked for a sign-in');
  const tokens = await oidc.authorizationCodeGrant(config, url, {
    expectedState: asked.state,
    expectedNonce: asked.nonce,
    pkceCodeVerifier: asked.verifier,
  });
  const claims = tokens.claims();
  const sub = claims?.sub ?? '';
  const person = await oidc.fetchUserInfo(config, tokens.access_token, sub);
  goOn({ name: person.preferred_username ?? sub, session: String(claims?.sid) }, '/', response);
}

/** Latchkey says that a session has ended: whoever signed in with it is signed out here too. */
async function loggedOut(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let form = '';
  for await (const chunk of request) {
    form += chunk;
    if (form.length > 20_000) throw new Error('the form is too long');
  }
  const { payload } = await jwtVerify(new URLSearchParams(form).get('logout_token') ?? '', keys, {
    issuer: config.serverMetadata().issuer,
    audience: registered.client_id,
    typ: 'logout+jwt', // an ID token or an access token is no logout token
    requiredClaims: ['sid', 'events', 'jti', 'exp'],
  });
  for (const [id, { session }] of visits) if (session === payload.sid) visits.delete(id);
  response.end();
}

async function answer(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url.pathname === '/logged-out') return loggedOut(request, response);
  const id = /(?:^|; )visit=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  const visit = visits.get(id) ?? {};
  if (url.pathname === '/sign-in') return signIn(response);
  if (url.pathname === '/callback') {
    visits.delete(id); // an answer counts once
    return callback(url, visit, response);
  }
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(visit.name === undefined ? 'Nobody is signed in. Go to /sign-in\n' : `Hello ${visit.name}.\n`);
}

createServer((request, response) => {
  answer(new URL(request.url ?? '/', home), request, response).catch((error: Error) => {
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`The sign-in failed: ${error.message}\n`);
  });
}).listen(3000, '127.0.0.1');
