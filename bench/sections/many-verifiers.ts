// A process of many verifiers, for (h): says of each revocation when the last of them had heard of it.
import { createVerifier } from '@latchkey/verifier';

interface Api {
  readonly audience: string;
  readonly resource: { readonly id: string; readonly secret: string };
}
const [issuer = '', each = '1', list = '[]'] = process.argv.slice(2);
const apis = JSON.parse(list) as readonly Api[];
const total = apis.length * Number(each);

/** How many verifiers have read an event, and when the last did. Read from their own streams, as they come in. */
const heard = new Map<string, number>();
const done: (readonly [string, string])[] = [];
function hear(jti: string): void {
  const count = (heard.get(jti) ?? 0) + 1;
  heard.set(jti, count);
  if (count === total) {
    heard.delete(jti);
    done.push([jti, String(process.hrtime.bigint())]);
  }
}

/** The verifier reads the stream as always; what goes by is looked at on its way, when the verifier has taken it. */
const watched: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  if (!String(input).endsWith('/revocations') || answer.body === null) return answer;
  const decoder = new TextDecoder();
  let rest = '';
  const look = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      const jtis = lines.flatMap((line) => /"kind":"token","id":"([^"]+)"/.exec(line)?.[1] ?? []);
      if (jtis.length > 0) setImmediate(() => jtis.forEach(hear));
    },
  });
  return new Response(answer.body.pipeThrough(look), { status: answer.status, headers: answer.headers });
};

const verifiers = apis.flatMap(({ audience, resource }) =>
  Array.from({ length: Number(each) }, () =>
    createVerifier({ issuer, audience, credentials: resource, fetch: watched }),
  ),
);
await Promise.all(verifiers.map((verifier) => verifier.ready(60)));
setInterval(() => {
  if (done.length > 0) process.send?.(done.splice(0));
}, 50);
process.on('SIGTERM', () => process.exit(0));
console.log('ready {}');
