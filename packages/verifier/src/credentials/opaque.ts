import { ok } from '@latchkey/protocol/result';
import { decodeOpaqueToken } from '@latchkey/tokens/formats/opaque-token';
import { accessOf } from '../access.ts';
import type { IntrospectedRules } from './introspected.ts';

/** Opaque tokens: our own form and nothing else is asked about. Whether the MAC holds, only the server can tell. */
export const opaqueRules: IntrospectedRules = {
  refusal(text) {
    const token = decodeOpaqueToken(text, () => undefined);
    return !token.ok && token.error === 'opaque_token_malformed' ? token.error : undefined;
  },
  accessOf: (claims) => ok(accessOf(claims, 'opaque')),
};
