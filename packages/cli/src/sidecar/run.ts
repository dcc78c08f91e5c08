import { once } from 'node:events';
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createLog } from '@latchkey/server/observe/pino-log';
import { systemParts } from '@latchkey/server/system';
import { generateSigningKey } from '@latchkey/tokens/keys/generate';
import { importSigner } from '@latchkey/tokens/keys/node-crypto';
import { createVerifier, type Verifier } from '@latchkey/verifier';
import { API_KEY_HEADER } from '@latchkey/verifier/internal/forward-auth';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import {
  type Place,
  placeOf,
  type ResourceCredential,
  readDecryptionKey,
  readResourceCredential,
  readSharedSecret,
  type SidecarOptions,
} from './options.ts';
import { peersOf } from './peers.ts';
import { createSidecar } from './sidecar.ts';
import { createTally } from './tally.ts';

/** Times in which a request must arrive, and how large its headers may be: those of the server. */
const TRANSPORT = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 };
const DRAIN_MILLISECONDS = 10_000;
/** A proxy may be told of the end before its requests are turned away. */
const CLOSE_IDLE_MILLISECONDS = 50;
/** For so long it waits to log that it is ready; whether it is, `/readyz` says by itself. */
const READY_SECONDS = 86_400;

/** Runs a sidecar until it is asked to stop. */
export async function runSidecar(context: Context, options: SidecarOptions): Promise<void> {
  const place = placeOf(options.listen, context.cwd);
  const peers = peersOf(place, options.trust);
  const credential = readResourceCredential(context, options.credential, options.audience);
  const log = createLog('info', { write: context.out });
  const verifier = verifierOf(context, options, credential, (event, fields) => log.info(event, fields));
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  const life = { stops: false };
  verifier.ready(READY_SECONDS).then(
    () => log.info('ready'),
    () => {}, // it was closed before
  );
  let own = options.assertionIssuer ?? '';
  const server = createServer(
    TRANSPORT,
    createSidecar({
      verifier,
      tally: createTally(),
      resource: credential.id,
      audience: credential.audience,
      issuer: () => own,
      key: { jwk, signer: importSigner('ES256', jwk.kid, pkcs8) },
      peers,
      apiKeyHeader: options.apiKeyHeader,
      isReady: () => !life.stops && isCurrent(verifier, options),
      now: systemParts().now,
      log,
    }),
  );
  const stopped = untilAsked(context);
  try {
    const where = await open(server, place);
    if (own === '') own = where;
    log.info('listening', { at: where, issuer: options.issuer, resource: credential.id, assertion_issuer: own });
    log.info('stopping', { signal: await stopped });
    life.stops = true;
    await close(server);
  } finally {
    verifier.close();
  }
  log.info('stopped');
}

function verifierOf(
  context: Context,
  options: SidecarOptions,
  { id, secret, audience, tokenType }: ResourceCredential,
  tell: (event: string, fields: Readonly<Record<string, unknown>>) => void,
): Verifier {
  const { issuer, onStale, maxStaleness, maxAccept, name, apiKeys = false } = options;
  const decryptionKeys = options.decryptionKeyFile?.map((file) => readDecryptionKey(context, file)) ?? [];
  const sharedSecrets = options.sharedSecretFile?.map((file) => readSharedSecret(context, file)) ?? [];
  try {
    return createVerifier({
      issuer,
      audience,
      credentials: { id, secret },
      tokenType,
      // whether cookies count, where keys stand and whether those for tests count is said by each question
      cookie: true,
      ...(apiKeys ? { apiKeys: { header: API_KEY_HEADER, environments: ['live', 'test'] } } : {}),
      decryptionKeys,
      sharedSecrets,
      onStale,
      maxStalenessSeconds: maxStaleness,
      maxAcceptSeconds: maxAccept,
      ...(name === undefined ? {} : { name }),
      onEvent: ({ event, reason }) => tell(event, reason === undefined ? {} : { reason }),
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Stop(EXIT.usage, error.message.replace('createVerifier: ', ''), 'See latchkey sidecar --help.');
  }
}

/** Whether there are keys, and what is known of revocations is young enough for the policy. */
function isCurrent(verifier: Verifier, { onStale, maxStaleness, maxAccept }: SidecarOptions): boolean {
  const { isStale, stalenessMilliseconds, keys } = verifier.status();
  if (keys.length === 0) return false;
  if (!isStale) return true;
  return onStale === 'accept' && stalenessMilliseconds <= (maxStaleness + maxAccept) * 1000;
}

function untilAsked({ signal }: Context): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve('SIGINT'), { once: true });
    process.once('SIGTERM', () => resolve('SIGTERM'));
  });
}

/** Opens the place, and says where it is as a URL. */
async function open(server: Server, place: Place): Promise<string> {
  try {
    if (place.kind === 'tcp') server.listen(place.port, place.host);
    else await openSocket(server, place.path);
    if (!server.listening) await once(server, 'listening');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new Stop(EXIT.fault, `It cannot listen there (${String(error.code)}).`, 'Choose another place: --listen');
  }
  if (place.kind === 'unix') return `http://localhost`;
  const { port } = server.address() as AddressInfo;
  return place.host.includes(':') ? `http://[${place.host}]:${port}` : `http://${place.host}:${port}`;
}

/** A socket for its owner and its group: the group is that of the proxy. What a sidecar that was killed has left goes. */
async function openSocket(server: Server, path: string): Promise<void> {
  const left = lstatSync(path, { throwIfNoEntry: false });
  if (left?.isSocket() === true && !(await answers(path))) rmSync(path);
  const before = process.umask(0o117);
  try {
    server.listen(path);
    await once(server, 'listening');
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o660);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Takes no new connection, lets requests under way finish, then closes what is left. */
async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const again = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MILLISECONDS);
  const insist = setTimeout(() => server.closeAllConnections(), DRAIN_MILLISECONDS);
  await closed;
  clearInterval(again);
  clearTimeout(insist);
}
