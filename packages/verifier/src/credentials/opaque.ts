import { ok } from '@latchkey/protocol/result';
import { accessOf } from '../access.ts';

import type { IntrospectedRules } from './introspected.ts';

/** Opaque tokens: our own text and nothing else is asked about; what it says only the server knows. */
export const opaqueRules: IntrospectedRules = {
  refusal: (text) => (FORM.test(text) ? undefined : 'token_malformed'),
  accessOf: (claims) => ok(accessOf(claims, 'opaque')),
};

const FORM = /^lk_at_[A-Za-z0-9_-]{20,128}$/;
