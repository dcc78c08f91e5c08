import { challengeOf } from '@latchkey/server/prove/code-verifier';
import { type CodeMode, isByCode } from './books.ts';
import { bringCode, takeBack, type Visitor } from './browser.ts';
import type { Errand } from './browser-rules.ts';
import type { CodeRecord } from './code-rules.ts';
import { CLIENT_SECRET, ISSUER } from './deployment.ts';
import type { Device, SignedIn } from './device.ts';
import { tokensOf } from './refresh-rules.ts';
import { clientOf, redemptionRequest } from './requests.ts';
import type { World } from './world.ts';

const SCOPES: Readonly<Record<CodeMode, readonly string[]>> = {
  portal: ['openid read'],
  shop: ['read', 'read', 'read offline_access', 'openid read'],
};

const PROMPTS = ['', '', '', 'login', 'select_account', 'consent'] as const;

/** How slow a client is with a code, and whether it asks again with the same one where no answer comes. */
const SLOW = { chance: 0.2, milliseconds: 3_000 } as const;
const AGAIN = 0.5;

/** Who takes back at once what they have allowed. */
const REGRET = 0.1;

/** A verifier that nobody else knows, until it is stolen. */
export const makeErrand = ({ random }: World, mode: CodeMode): Errand => ({
  mode,
  verifier: Buffer.from(random.bytes(32)).toString('base64url'),
});

/** Where a client sends a browser. */
export function authorizationUrl({ random }: World, { mode, verifier }: Errand, prompt: string): string {
  const { id, redirectUris } = clientOf(mode);
  const scope = random.pick(SCOPES[mode]);
  // whoever wants to come without the person has to ask them for it
  const asked = scope.includes('offline_access') ? 'consent' : prompt;
  const parameters = {
    response_type: 'code',
    client_id: id,
    redirect_uri: redirectUris[0] ?? '',
    scope,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    ...(asked === '' ? {} : { prompt: asked }),
  };
  return `${ISSUER}/oauth/authorize?${new URLSearchParams(parameters)}`;
}

/** A login on the pages, for a client that then redeems the code. */
export async function signInByCode(world: World, device: Device): Promise<SignedIn | undefined> {
  const { mode, browser, name, person } = device;
  if (browser === undefined || !isByCode(mode)) return undefined;
  const { random, scheduler, codes } = world;
  const errand = makeErrand(world, mode);
  const visitor: Visitor = { name, person, browser, errand };
  const text = await bringCode(world, visitor, authorizationUrl(world, errand, random.pick(PROMPTS)));
  const code = codes.codes.findLast((one) => one.text === text);
  if (code === undefined) return undefined;
  world.note(name, `has ${code.label}`);
  const regret = random.chance(REGRET) ? takeBack(world, { ...visitor, errand: undefined }, 'shop') : undefined;
  if (random.chance(0.5)) await regret;
  if (random.chance(SLOW.chance)) await scheduler.sleep(random.below(SLOW.milliseconds));
  return (await redeem(world, name, code)) ?? (random.chance(AGAIN) ? redeem(world, name, code) : undefined);
}

async function redeem(world: World, name: string, code: CodeRecord): Promise<SignedIn | undefined> {
  const { text, mode, verifier } = code;
  const request = redemptionRequest(text, { mode, verifier, secret: CLIENT_SECRET });
  const reply = await world.network.ask(request, world.codes.watch(code, true));
  world.note(name, `redeems ${code.label} → ${world.outcome(reply)}`);
  const tokens = reply?.status === 200 ? tokensOf(reply) : undefined;
  return tokens === undefined ? undefined : { tokens, csrf: '' };
}
