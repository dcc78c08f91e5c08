import * as faults from './code-faults.ts';
import { expectFound } from './expect-histories.ts';

const BY_PAGES = true;

expectFound(
  [
    ['a code that counts again', faults.codeCountsAgain, 'C', 200, 10],
    ['a replay that is refused and forgiven', faults.forgivenReplay, 'I1', 200],
    ['a replay that ends what others have begun', faults.wideReplay, 'L', 400, 100],
    ['a verifier that is not asked for', faults.verifierForgotten, 'C', 400],
    ['a code that outlives its session', faults.codeOutlivesSession, 'I1', 400, 100],
    ['a code that outlives its consent', faults.codeOutlivesConsent, 'C', 400],
    ['families that outlive their consent', faults.familiesOutliveConsent, 'C', 400],
    ['one family too many', faults.crowdedFamilies, 'C', 600, 50],
    ['a session that outlives its sign-out', faults.sessionOutlivesSignOut, 'I1', 300],
    ['a cookie that outlives its session', faults.cookieOutlivesSession, 'I1', 300],
    ['the person before, who stays signed in', faults.personBeforeStays, 'I1', 600, 50],
    ['a session for each form that is sent', faults.sessionForEachForm, 'C', 300],
    ['a count of guesses that is lost in a restart', faults.countInMemory, 'I10', 50],
    ['a lock that the right password opens', faults.lockThatOpens, 'G', 300, 50],
  ],
  BY_PAGES,
);
