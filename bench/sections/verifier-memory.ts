// A process with one verifier, for (f): what it holds when it knows so many tokens and so many revocations.
import { createStubIssuer, STUB_AUDIENCE, STUB_ISSUER } from '@latchkey/testkit/stub-issuer';
import { createVerifier } from '@latchkey/verifier';

const [tokens = '0', revocations = '0'] = process.argv.slice(2);
const issuer = await createStubIssuer();
const verifier = createVerifier({
  issuer: STUB_ISSUER,
  audience: STUB_AUDIENCE,
  onStale: 'reject',
  maxStalenessSeconds: 3_600,
  cachedTokensMax: Number(tokens),
  fetch: issuer.fetch,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));
while (issuer.streams.length === 0) await turn();
const [stream] = issuer.streams;
await stream?.beat(Date.now());
await verifier.ready();

const megabytes = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};
const empty = megabytes();
const at = Math.floor(Date.now() / 1000);
for (let index = 0; index < Number(tokens); index++) {
  const result = await verifier.verify(issuer.mint(at, { jti: `tok_${index}`, exp: at + 3_600 }));
  if (!result.ok) throw new Error(result.error);
}
const withTokens = megabytes();
for (let index = 0; index < Number(revocations); index++)
  await stream?.emit({ kind: 'token', id: `tok_revoked_${index}` });
while (verifier.status().revocations < Number(revocations)) await turn();
const whole = megabytes();
const { cachedTokens } = verifier.status();
if (cachedTokens < Number(tokens)) throw new Error(`only ${cachedTokens} tokens are cached`);
console.log(`ready ${JSON.stringify({ empty, withTokens, whole })}`);
process.on('SIGTERM', () => process.exit(0));
