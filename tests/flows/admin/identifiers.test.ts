import { LIMITS } from '@latchkey/protocol/limits';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalOf, refusedAs, rowsOf } from '../refusal.ts';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

let world: World;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  expect((await admin.post('/accounts', { identifiers: ['victim@example.com', 'ſtone', 'kelvin'] })).status).toBe(201);
});
afterAll(() => world.at.close());

const create = (identifier: string) =>
  world.at.fetch('/admin/api/accounts', {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ identifiers: [identifier], password: PASSWORD }),
  });

test.each([
  ['case', 'VICTIM@Example.COM'],
  ['white space around it', ' victim@example.com\t'],
  ['full width', 'ｖｉｃｔｉｍ@example.com'],
  ['a full-width @', 'victim＠example.com'],
  ['a small @', 'victim﹫example.com'],
  ['a circled letter', 'ⓥictim@example.com'],
  ['a long s', 'stone'],
  ['a Kelvin sign', '\u212aelvin'],
])('attack 8.30: another spelling of a name that is taken is the same name: %s', async (_, identifier) => {
  const before = rowsOf(world.at);
  expect(await refusalOf(world.at, await create(identifier))).toEqual(refusedAs('identifier_taken'));
  expect(rowsOf(world.at)).toEqual(before);
});

test.each([
  ['a line break', 'victim@example.com\r\nBcc: all@example.com'],
  ['NUL', 'victim@example.com\u0000'],
  ['a list for a mailer', 'a@x.example,b@y.example b@z.example'],
  ['two @', 'a@b@example.com'],
  ['a name before it', 'Victim <victim@example.com>'],
  ['no host', 'victim@'],
  ['no dot in the host', 'victim@localhost'],
  ['nobody', '@example.com'],
  ['a mark that turns the text round', '\u202evictim@example.com'],
  ['a mark that nobody sees', 'vic\u200btim@example.com'],
  ['a soft hyphen', 'vic\u00adtim'],
  ['a tag character', 'vic\u{e0041}tim'],
  ['half a character', 'vic\ud800tim'],
  ['nothing', ''],
  ['white space', '  '],
  ['320 characters', `${'a'.repeat(308)}@example.com`],
  ['one past the limit', 'a'.repeat(LIMITS.identifierMax + 1)],
])('attack 8.30: %s makes no name, and none is looked up', async (_, identifier) => {
  const before = rowsOf(world.at);
  expect(await refusalOf(world.at, await create(identifier))).toEqual(refusedAs('identifier_invalid'));
  expect(rowsOf(world.at)).toEqual(before);
  const found = await admin.get(`/accounts?identifier=${encodeURIComponent(identifier.toWellFormed())}`);
  expect(found.body.items).toEqual([]);
});

test('attack 8.30: a name at its limit is one, and signs in', async () => {
  const name = 'a'.repeat(LIMITS.identifierMax);
  expect((await create(name)).status).toBe(201);
  expect((await world.login({ username: name.toUpperCase() })).status).toBe(200);
});
