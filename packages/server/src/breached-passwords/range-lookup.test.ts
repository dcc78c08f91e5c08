import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { LIMITS } from '@latchkey/protocol/limits';
import { selfSigned } from '@latchkey/testkit/certificate';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createGuardedFetch, GUARD } from '../guarded-fetch/guarded-fetch.ts';
import { createRangeLookup } from './range-lookup.ts';

/** A service that answers as a test tells it to, and notes what it was asked. */
const { cert, key } = selfSigned('localhost', Date.now());
let service: Server;
let base: string;
let asked: { url: string | undefined; method: string | undefined; headers: object }[] = [];
let respond: (response: import('node:http').ServerResponse) => void;
beforeAll(async () => {
  service = createServer({ cert, key }, ({ url, method, headers }, response) => {
    asked.push({ url, method, headers });
    respond(response);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  base = `https://localhost:${(service.address() as AddressInfo).port}/range/`;
});
beforeEach(() => {
  asked = [];
});
afterAll(() => {
  service.closeAllConnections();
  service.close();
});

const BYTES = 4_000;
const lookup = () =>
  createRangeLookup(
    base,
    createGuardedFetch({ ...GUARD, milliseconds: 300, bytesMax: BYTES, isRefused: () => false, ca: cert }),
  );

const digest = createHash('sha1').update('seven kettles hum at dawn').digest();
const digits = digest.toString('hex').toUpperCase();
const rest = digits.slice(5);
const other = (last: string) => `${rest.slice(0, -1)}${rest.endsWith(last) ? '0' : last}`;
const answers = (text: string, status = 200) => {
  respond = (response) => response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
};

test('PWD-06 ASVS 6.2.12: five digits of the digest are told, padding is asked for, and nothing else', async () => {
  answers(`${other('1')}:3`);
  await lookup().has(digest);
  expect(asked).toEqual([
    {
      url: `/range/${digits.slice(0, 5)}`,
      method: 'GET',
      headers: { host: new URL(base).host, 'user-agent': 'latchkey', 'add-padding': 'true', connection: 'close' },
    },
  ]);
});

test.each([
  ['among others', `${other('1')}:1\r\n${rest}:2\r\n${other('2')}:3\r\n`, true],
  ['in small letters', `${rest.toLowerCase()}:2`, true],
  ['only as padding', `${other('1')}:1\n${rest}:0\n`, false],
  ['not at all', `${other('1')}:1\n${other('2')}:0`, false],
])('PWD-06: a digest that is there %s', async (_, text, value) => {
  answers(text);
  expect(await lookup().has(digest)).toEqual({ ok: true, value });
});

test.each([
  ['a page', '<html>Please sign in</html>'],
  ['nothing', ''],
  ['whole digests', `${digits}:3`],
  ['lines without a count', rest],
  ['a line that is none behind one that is', `${rest}:3\nx`],
])('PWD-06: %s is no answer', async (_, text) => {
  answers(text);
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'malformed' });
});

test.each([404, 429, 500, 503])('PWD-06: a status %d is no answer, whatever comes with it', async (status) => {
  answers(`${rest}:3`, status);
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'status' });
});

/** As many bytes, in lines that could stand in an answer. */
const sized = (bytes: number) => {
  const line = `${other('1')}:123456\n`;
  const lines = line.repeat(Math.floor(bytes / line.length) - 1);
  return `${lines}${other('2')}:1${'\n'.repeat(bytes - lines.length - 37)}`;
};

test.each([
  [BYTES - 1, { ok: true, value: false }],
  [BYTES, { ok: true, value: false }],
  [BYTES + 1, { ok: false, error: 'too_large' }],
])('breachAnswerBytesMax: an answer of %d bytes', async (bytes, expected) => {
  expect(sized(bytes)).toHaveLength(bytes);
  answers(sized(bytes));
  expect(await lookup().has(digest)).toEqual(expected);
});

test('PWD-06: who does not answer in time, hangs up or sends elsewhere is not waited for', async () => {
  respond = () => undefined;
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'timed_out' });
  respond = (response) => response.writeHead(200).write(`${rest}:3\n`);
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'timed_out' });
  respond = (response) => response.destroy();
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'failed' });
  respond = (response) => response.writeHead(302, { location: base }).end();
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'redirected' });
});

test('PWD-06: an answer that breaks off is no answer', async () => {
  respond = (response) => {
    response.writeHead(200, { 'content-length': '1000' }).write(`${other('1')}:3\n`, () => response.destroy());
  };
  expect(await lookup().has(digest)).toEqual({ ok: false, error: 'failed' });
});

test('breachLookupsMax: one question too many at the same time is not asked, and the next one is', async () => {
  const waiting: import('node:http').ServerResponse[] = [];
  respond = (response) => void waiting.push(response);
  const source = createRangeLookup(base, createGuardedFetch({ ...GUARD, isRefused: () => false, ca: cert }));
  const questions = Array.from({ length: LIMITS.breachLookupsMax }, () => source.has(digest));
  expect(await source.has(digest)).toEqual({ ok: false, error: 'busy' });
  while (waiting.length < LIMITS.breachLookupsMax) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const response of waiting) response.end(`${rest}:1`);
  expect((await Promise.all(questions)).every((answer) => answer.ok && answer.value)).toBe(true);
  answers(`${rest}:1`);
  expect(await source.has(digest)).toEqual({ ok: true, value: true });
});
