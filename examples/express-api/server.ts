// An API behind Latchkey: Express, and one line of middleware. `npm start` runs it on port 8401.
import { createVerifier } from '@latchkey/verifier';
import { protect } from '@latchkey/verifier/express';
import express from 'express';

const issuer = process.env.ISSUER ?? 'http://localhost:8400';
const audience = process.env.AUDIENCE ?? 'http://localhost:8401';
const port = Number(process.env.PORT ?? 8401);

/** Every call that the verifier makes to the server: keys once, then one open connection to the revocation feed. */
let calls = 0;
const verifier = createVerifier({
  issuer,
  audience,
  onStale: 'reject',
  fetch: (input, init) => {
    calls += 1;
    return fetch(input, init);
  },
});

const app = express();
app.disable('x-powered-by');

app.get('/', (_request, response) => {
  response
    .set('Content-Security-Policy', "default-src 'none'")
    .set('X-Content-Type-Options', 'nosniff')
    .type('text/plain');
  response.send(
    `Example API\n\nissuer    ${issuer}\naudience  ${audience}\nfeed      ${verifier.status().feed}\n\nTry GET /profile with an access token.\n`,
  );
});

app.get('/profile', protect(verifier, { scope: ['profile:read'] }), (request, response) => {
  const { claims } = request.access;
  response.json({ message: `Hello ${claims.sub}`, scope: claims.scope, session: claims.sid, expires: claims.exp });
});

const server = app.listen(port, '127.0.0.1', async (error) => {
  if (error !== undefined) {
    console.error(`The example API cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  }
  await verifier.ready();
  process.send?.('ready');
});

process.on('message', (question) => {
  if (question === 'calls') process.send?.({ calls });
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    verifier.close();
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
