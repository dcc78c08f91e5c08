import { SESSION_COOKIE } from '@latchkey/server/http/browser-cookies';
import type { Browser } from './browser.ts';
import { codeIn } from './browser-rules.ts';
import type { CodeRecord } from './code-rules.ts';
import { CLIENT_SECRET } from './deployment.ts';
import { authorizationUrl, makeErrand } from './relying-party.ts';
import { CLIENTS_BY_CODE, loginRequest, pageVisit, redemptionRequest } from './requests.ts';
import type { World } from './world.ts';

/** How long what was stolen may lie before it is used. */
const LATER = 9_000;
/** Codes that were given lately are worth most. */
const LATELY = 3;

/** Takes what passes through a browser, and guesses at passwords. */
export function stealInBrowser(world: World, browser: Browser): void {
  const { random, codes } = world;
  const lately = codes.codes.slice(-LATELY);
  const stolen = browser.cookies.get(SESSION_COOKIE);
  if (lately.length > 0 && random.chance(0.6)) void useCode(world, random.pick(lately));
  if (stolen !== undefined && random.chance(0.4)) void useCookie(world, stolen);
  if (random.chance(0.6)) void guess(world);
}

/** Some thieves have only the code, others all that belongs to it. */
async function useCode(world: World, code: CodeRecord): Promise<void> {
  const { random, scheduler, network, codes } = world;
  await scheduler.sleep(random.below(random.chance(0.5) ? 1_000 : LATER));
  const hasVerifier = random.chance(0.5);
  const isRight = random.chance(0.8);
  const mode = isRight ? code.mode : random.pick(CLIENTS_BY_CODE.filter((one) => one !== code.mode));
  const verifier = hasVerifier ? code.verifier : random.chance(0.5) ? undefined : makeErrand(world, mode).verifier;
  const request = redemptionRequest(code.text, { mode, verifier, secret: CLIENT_SECRET });
  const reply = await network.ask(request, codes.watch(code, hasVerifier && isRight));
  world.note('thief', `redeems ${code.label} → ${world.outcome(reply)}`);
}

/** Whoever has the cookie is signed in, for as long as its owner is. */
async function useCookie(world: World, stolen: string): Promise<void> {
  const { random, scheduler, network, browsing } = world;
  await scheduler.sleep(random.below(LATER));
  const errand = makeErrand(world, 'portal');
  const request = pageVisit(authorizationUrl(world, errand, 'none'), `${SESSION_COOKIE}=${stolen}`);
  const reply = await network.ask(
    request,
    browsing.watch({ cookie: stolen, isKnown: false, deed: { kind: 'look' }, errand }),
  );
  const text = reply === undefined ? undefined : codeIn(reply);
  world.note('thief', `uses a cookie → ${text === undefined ? 'nothing' : 'a code'}`);
}

/** Guesses a few times. Who waits too short is told so, and that does not count. */
async function guess(world: World): Promise<void> {
  const { random, scheduler, network, guesses, people } = world;
  const person = random.pick(people);
  for (let times = 1 + random.below(3); times > 0; times--) {
    let arrived = 0;
    const reply = await network.ask(loginRequest(person.name, `a guess ${random.next()}`, 'plain'), {
      arrived() {
        arrived = world.observer.tick();
      },
      left(answer) {
        if (world.reasonOf(answer) === 'credentials_invalid') guesses.wrong(person, arrived);
      },
    });
    world.note('thief', `guesses at ${person.name} → ${world.outcome(reply)}`);
    await scheduler.sleep(random.below(500));
  }
}
