// Latchkey inside an Express app, under /auth, beside the app's own routes: one process, one port.
import { createLatchkey } from '@latchkey/server';
import express from 'express';

const port = Number(process.env.PORT ?? 8402);
const folder = process.env.FOLDER ?? '.';

const latchkey = await createLatchkey({
  settings: {
    mode: 'development',
    issuer: `http://localhost:${port}/auth`,
    data: `${folder}/data`,
    kekFile: `${folder}/.latchkey/kek`,
  },
});

const app = express();
app.use(latchkey.node); // before any body parser: it reads its own bodies
app.get('/', (_request, response) => {
  response.send('The app itself. Latchkey is under /auth.');
});

const server = app.listen(port, '127.0.0.1');
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    server.close(() => void latchkey.close().then(() => process.exit(0)));
    server.closeAllConnections();
  });
