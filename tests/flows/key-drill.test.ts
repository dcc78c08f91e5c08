import { PUBLISHED_BEFORE_USE_SECONDS } from '@latchkey/domain/keys/rotation';
import { DURATIONS } from '@latchkey/protocol/limits';
import { seconds } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import { populate } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { createAccessTokenDecoder } from '@latchkey/tokens/formats/access-token-jwt';
import { importKeySet, type KeySet } from '@latchkey/tokens/keys/key-set';
import { importVerificationKey } from '@latchkey/tokens/keys/node-crypto';
import { expect, test } from 'vitest';
import { addAdministrator } from './admin/administrator.ts';

const ROTATIONS = 4;
const WORKERS = 8;

/**
 * A verifier with nothing but a stock library's habits: it keeps a key set for as long as it may, and believes only
 * keys that it has.
 */
function stockVerifier(fetchKeys: () => Promise<unknown>, now: () => number) {
  let held: { readonly keys: KeySet; readonly at: number } | undefined;
  return async (): Promise<KeySet> => {
    if (held === undefined || now() - held.at >= DURATIONS.keySetMaxAge * 1000) {
      const keys = importKeySet(await fetchKeys(), importVerificationKey);
      if (keys === undefined) throw new Error('the key set cannot be read');
      held = { keys, at: now() };
    }
    return held.keys;
  };
}

test('KEY-01, KEY-02: keys are rotated under load, and no request fails, at no verifier', {
  timeout: 60_000,
}, async () => {
  const clock = testClock();
  const at = await startTestServer({ now: clock.now });
  let done = false;
  const until = performance.now() + 30_000;
  try {
    const api = await addResource(at.server, { accessTokenSeconds: 3_600 });
    const client = await addClient(at.server, { resources: [api.row.identifier] });
    const decode = createAccessTokenDecoder();
    const expected = { issuer: at.issuer, audience: api.row.audience, leewaySeconds: 0, typ: 'at+jwt' } as const;
    const fetchKeys = async () => (await at.fetch('/.well-known/jwks.json')).json();
    const kids = new Set<string>();
    let requests = 0;

    const work = async (n: number) => {
      // each verifier fetched its keys at another time, as late in their life as can be
      const keys = stockVerifier(fetchKeys, clock.now);
      let old: string | undefined;
      while (!done && performance.now() < until) {
        const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
        const answer = await at.fetch('/oauth/token', asked, `198.51.100.${n}`);
        expect(answer.status).toBe(200);
        const { access_token: token } = await answer.json();
        const set = await keys();
        for (const one of [token, old ?? token]) {
          const decoded = decode(one, set, expected, seconds(clock.now()));
          expect(decoded.ok ? 'ok' : decoded.error).toBe('ok');
        }
        kids.add(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid);
        old = requests % 5 === 0 ? token : undefined;
        requests += 1;
        await new Promise(setImmediate); // the test's own timers are to have their turn
      }
    };
    const workers = Array.from({ length: WORKERS }, (_, n) => work(n));

    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      for (let step = 0; step < PUBLISHED_BEFORE_USE_SECONDS; step += 73) {
        clock.advance(73_000);
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      const admin = await addAdministrator(at);
      expect((await admin.post('/keys/rotate')).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    done = true;
    await Promise.all(workers);
    expect([kids.size, requests > 10 * WORKERS]).toEqual([ROTATIONS + 1, true]);
  } finally {
    done = true;
    await at.close();
  }
});

test('KEY-07: attack 8.39: a key that is revoked under load takes its tokens along at once; requests go on under the next', async () => {
  const clock = testClock();
  const world = await populate(await startTestServer({ now: clock.now }));
  try {
    const { at, api } = world;
    const client = await addClient(at.server, { resources: [api.row.identifier] });
    const issue = async () => {
      const answer = await at.fetch(
        '/oauth/token',
        form({ grant_type: 'client_credentials' }, { authorization: client.basic }),
      );
      return [answer.status, (await answer.json()).access_token as string] as const;
    };
    const isActive = async (token: string) => {
      const answer = await at.fetch('/oauth/introspect', form({ token }, { authorization: api.basic }));
      return (await answer.json()).active as boolean;
    };
    const before = await Promise.all(Array.from({ length: 10 }, issue));
    const admin = await addAdministrator(at);
    const kid = JSON.parse(Buffer.from(before[0]?.[1].split('.')[0] ?? '', 'base64url').toString()).kid;
    const [revoked, ...during] = await Promise.all([
      admin.post(`/keys/${kid}/revoke`),
      ...Array.from({ length: 20 }, issue),
    ]);
    expect([revoked.status, new Set(during.map(([status]) => status))]).toEqual([200, new Set([200])]);
    for (const [, token] of before) expect(await isActive(token)).toBe(false);
    const [, after] = await issue();
    expect(await isActive(after)).toBe(true);
    const { events } = await (await at.fetch('/revocations')).json();
    expect(events).toMatchObject([{ kind: 'key', id: kid }]);
  } finally {
    await world.at.close();
  }
});
