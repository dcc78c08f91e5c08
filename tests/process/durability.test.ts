import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect, deploy } from './crash-client.ts';
import { openPlace, signalGroup } from './server-process.ts';
import { readTrace, type SystemCall, whyNoTrace } from './strace.ts';

const REFRESHES = 20;
const TRACED = 'fdatasync,fsync,pwrite64,read,recvfrom,write,writev,sendto,sendmsg';
const [NAME, PASSWORD] = ['trace', 'a passphrase that reaches the disk'];

test('I10: the answer to a refresh is written to its socket only when the log of the database is on disk', {
  timeout: 120_000,
}, async ({ skip, onTestFinished }) => {
  const why = whyNoTrace();
  if (why !== undefined) {
    console.warn(`left out: ${why}, so nothing shows here that the disk comes before the answer`);
    return skip(why);
  }
  const place = await openPlace();
  onTestFinished(() => place.close());
  const prepared = await place.serve();
  const deployment = await deploy(place, NAME, PASSWORD);
  prepared.child.kill('SIGTERM');
  await prepared.ended();

  const file = join(place.folder, 'trace.txt');
  const under = ['strace', '-f', '-y', '-s', '48', '-e', `trace=${TRACED}`, '-e', 'signal=none', '-o', file];
  const server = await place.serve(['--dev'], {}, under);
  const at = await connect(place, deployment);
  let token = (await at.login(NAME, PASSWORD)).body.refresh_token;
  for (let count = 0; count < REFRESHES; count++) token = (await at.refresh(token)).body.refresh_token;
  expect((await at.logout(token)).status).toBe(204);
  signalGroup(server, 'SIGTERM'); // strace itself hears none
  await server.ended();
  checkOrder(readTrace(readFileSync(file, 'utf8')));
});

const isLog = ({ file }: SystemCall) => file.endsWith('latchkey.db-wal');
const isSocket = ({ file }: SystemCall) => /^(socket|TCP)/.test(file);
const isChange = (call: SystemCall) => isSocket(call) && /"POST \/api\/(login|refresh|logout) /.test(call.text);
const isAnswer = (call: SystemCall) => isSocket(call) && /"HTTP\/1\.1 20[04] /.test(call.text);

/**
 * Walks the trace. Between a request that changes something and its answer, the log is written and then synchronised;
 * and at no answer at all is there anything in the log that is not on disk.
 */
function checkOrder(calls: readonly SystemCall[]): void {
  let asked: { written: number; synchronised: number } | undefined;
  let isDirty = false;
  let answers = 0;
  for (const call of calls) {
    if (isChange(call)) asked = { written: 0, synchronised: 0 };
    else if (isLog(call) && call.name === 'pwrite64') {
      isDirty = true;
      if (asked !== undefined) asked.written += 1;
    } else if (isLog(call) && /^f(data)?sync$/.test(call.name)) {
      expect(call.result).toBe(0);
      isDirty = false;
      if (asked !== undefined) asked.synchronised += 1;
    } else if (isAnswer(call)) {
      expect([isDirty, call.text]).toEqual([false, call.text]);
      if (asked === undefined) continue;
      expect([asked.written > 0, asked.synchronised > 0, call.text]).toEqual([true, true, call.text]);
      asked = undefined;
      answers += 1;
    }
  }
  expect(answers).toBe(REFRESHES + 2); // a login and a logout are among them
}
