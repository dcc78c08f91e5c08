// (e) What a storm of logins does to the refreshes of everybody else.
import { load, repeating } from '../load.ts';
import { median, quantile } from '../statistics.ts';
import { type Latchkey, PASSWORD } from '../subjects/latchkey.ts';
import { refreshers } from './endpoints.ts';

const ROUNDS = 5;
const SECONDS = 3;
const PAUSE = 20;
const STORM = 48;

export interface StormFigures {
  readonly calm: number;
  readonly storm: number;
  readonly logins: number;
}

export async function measureStorm(latchkey: Latchkey): Promise<StormFigures> {
  const { clientId, refreshTokens } = await latchkey.people(12);
  const users = refreshers('/oauth/token', undefined, refreshTokens, clientId);
  let attempt = 0;
  const attackers = Array.from({ length: STORM }, () =>
    repeating(() => {
      attempt += 1;
      return {
        path: '/api/login',
        headers: {
          'content-type': 'application/json',
          'x-forwarded-for': `172.16.${(attempt >> 8) & 255}.${attempt & 255}`,
        },
        body: JSON.stringify({ username: `nobody-${attempt}`, password: PASSWORD, client_id: clientId }),
      };
    }),
  );
  await load(latchkey.port, users, 1, PAUSE);
  const calm: number[] = [];
  const storm: number[] = [];
  let logins = 0;
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round++) {
    calm.push(quantile((await load(latchkey.port, users, SECONDS, PAUSE)).latencies, 0.99));
    const [refreshes, attacks] = await Promise.all([
      load(latchkey.port, users, SECONDS, PAUSE),
      load(latchkey.port, attackers, SECONDS, 100),
    ]);
    if (refreshes.failures > 0) throw new Error('refreshes failed in the storm');
    storm.push(quantile(refreshes.latencies, 0.99));
    logins += attacks.requests;
    seconds += attacks.seconds;
  }
  return { calm: median(calm), storm: median(storm), logins: Math.round(logins / seconds) };
}
