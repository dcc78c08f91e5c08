// A process of verifiers, for (c): says for each when it refused a token that it accepted before.
import { createVerifier } from '@latchkey/verifier';

const [issuer = '', audience = '', id = '', secret = '', count = '1'] = process.argv.slice(2);
const verifiers = Array.from({ length: Number(count) }, () =>
  createVerifier({ issuer, audience, credentials: { id, secret } }),
);
await Promise.all(verifiers.map((verifier) => verifier.ready()));

process.on('message', (token: string) => {
  for (const verifier of verifiers) if (verifier.verifyNow(token)?.ok !== true) throw new Error('refused too early');
  process.send?.('watching');
  let waiting = verifiers;
  const look = (): void => {
    waiting = waiting.filter((verifier) => verifier.verifyNow(token)?.ok === true);
    if (waiting.length > 0) setTimeout(look, 1);
    else process.send?.(String(process.hrtime.bigint()));
  };
  look();
});
process.on('SIGTERM', () => process.exit(0));
console.log('ready {}');
