import { expect, test } from 'vitest';
import { challengeOf } from './code-verifier.ts';

test('VEC-01 RFC 7636 Appendix B: the challenge of the example', () => {
  expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  );
});
