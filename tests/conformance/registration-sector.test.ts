import { type DocumentServer, startDocumentServer } from '@latchkey/testkit/document-server';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AdminAnswer, addAdministrator, type TestAdministrator } from '../flows/admin/administrator.ts';

// Of oidcc-dynamic-certification-test-plan what makes sense where an administrator registers clients.

const REDIRECTS = ['https://one.example/cb', 'https://two.example/cb'] as const;
const listed = JSON.stringify([...REDIRECTS, 'https://three.example/cb']);
let documents: DocumentServer;
let at: TestServer;
let admin: TestAdministrator;
beforeAll(async () => {
  documents = await startDocumentServer({
    '/good': (response) => void response.setHeader('content-type', 'application/json').end(listed),
    '/query?tenant=1': (response) => void response.end(listed),
    '/one': (response) => void response.end(JSON.stringify(REDIRECTS.slice(1))),
    '/spelled': (response) => void response.end(JSON.stringify(REDIRECTS.map((uri) => `${uri}/`))),
    '/object': (response) => void response.end(JSON.stringify({ redirect_uris: REDIRECTS })),
    '/numbers': (response) => void response.end(JSON.stringify([...REDIRECTS, 1])),
    '/text': (response) => void response.end('["https://one.example/cb"'),
    '/bytes': (response) => void response.end(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])),
    '/nothing': (response) => void response.end(),
    '/error': (response) => void response.writeHead(500).end(listed),
    '/moved': (response) => void response.writeHead(302, { location: '/good' }).end(),
    '/large': (response) => void response.end(`[${'"x",'.repeat(20_000)}"x"]`),
    '/slow': () => {},
  });
  at = await startTestServer({ settings: { fetchAllow: documents.origin } });
  admin = await addAdministrator(at);
});
afterAll(async () => {
  await at.close();
  documents.close();
});

const create = (more: object): Promise<AdminAnswer> =>
  admin.post('/clients', {
    name: 'Pairwise',
    authentication: 'client_secret_basic',
    grant_types: ['authorization_code'],
    scopes: ['openid'],
    redirect_uris: REDIRECTS,
    subject_type: 'pairwise',
    ...more,
  });
const sector = (path: string) => ({ sector_identifier_uri: documents.origin + path });
const refused = ({ status, body }: AdminAnswer) => [status, body.error];
const INVALID = [400, 'invalid_client_metadata'];

test('oidcc-registration-sector-uri: a document that lists the redirect URIs makes its host the sector', async () => {
  for (const path of ['/good', '/query?tenant=1']) {
    const { status, body } = await create(sector(path));
    expect([status, body.subject_type, body.sector]).toEqual([201, 'pairwise', '127.0.0.1']);
    expect((await admin.get(`/clients/${body.client_id}`)).body).toMatchObject({ sector: '127.0.0.1' });
  }
  expect(documents.requests.slice(0, 2)).toEqual(['GET /good', 'GET /query?tenant=1']);
});

test('oidcc-registration-sector-uri: it is read once, and redirect URIs of one host need none', async () => {
  const before = documents.requests.length;
  const { status, body } = await create({ redirect_uris: ['https://one.example/cb', 'https://one.example/other'] });
  expect([status, body.sector]).toEqual([201, 'one.example']);
  await admin.get(`/clients/${body.client_id}`);
  expect(documents.requests.length).toBe(before);
});

test.each([
  '/one',
  '/spelled',
  '/object',
  '/numbers',
  '/text',
  '/bytes',
  '/nothing',
  '/error',
  '/missing',
  '/moved',
  '/large',
])('oidcc-registration-sector-bad: a document such as %s is refused, and no client is made', async (path) => {
  const before = (await admin.get('/clients?limit=200')).body;
  expect(refused(await create(sector(path)))).toEqual(INVALID);
  expect((await admin.get('/clients?limit=200')).body).toEqual(before);
});

test('oidcc-registration-sector-bad: one that does not come is not waited for', { timeout: 15_000 }, async () => {
  expect(refused(await create(sector('/slow')))).toEqual(INVALID);
});

test('OIDC-03 OIDC Registration §5: without a document, several hosts are no sector', async () => {
  expect(refused(await create({}))).toEqual(INVALID);
  expect(refused(await create({ redirect_uris: ['http://localhost/cb'] }))).toEqual(INVALID);
});

test('OIDC-03: a document says nothing about a client that knows people by their account', async () => {
  const answer = await create({ ...sector('/good'), subject_type: 'public' });
  expect(refused(answer)).toEqual([422, 'invalid_request']);
});

test.each([
  ['http', (port: string) => `http://localhost:${port}/good`],
  ['loopback', (port: string) => `https://127.0.0.1:${port}/good`],
  ['a name of loopback', (port: string) => `https://localhost:${port}/good`],
  ['IPv6', (port: string) => `https://[::1]:${port}/good`],
  ['the metadata of a cloud', () => 'https://169.254.169.254/latest/meta-data'],
  ['a private network', () => 'https://10.0.0.1/good'],
  ['a user', (port: string) => `https://me@127.0.0.1:${port}/good`],
  ['gopher', (port: string) => `gopher://127.0.0.1:${port}/good`],
  ['a file', () => 'file:///etc/passwd'],
  ['no URI', () => 'one.example'],
  ['too many characters', () => `https://one.example/${'x'.repeat(2_048)}`],
])('OPS-03, OIDC-03: a document is never fetched from our own network: %s', async (_, uri) => {
  const before = documents.connections();
  const { status, body } = await create({ sector_identifier_uri: uri(new URL(documents.origin).port) });
  expect([status === 400 || status === 422, typeof body.error]).toEqual([true, 'string']);
  expect(documents.connections()).toBe(before);
});
