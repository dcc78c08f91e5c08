// `npm run bench [-- a b c d e f g h]`: measures, prints, and writes docs/performance.md when all sections ran.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Report, renderReport } from './report.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(join(folder, 'node_modules'))) {
  console.error('bench: installing the peers, once ...');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'inherit' });
}
const { build, startLatchkey } = await import('./subjects/latchkey.ts');
const { measureVerification } = await import('./sections/verification.ts');
const { measureEndpoints } = await import('./sections/endpoints.ts');
const { measureRevocation } = await import('./sections/revocation.ts');
const { measureStart } = await import('./sections/start.ts');
const { measureCredentials } = await import('./sections/credentials.ts');
const { measureGateway } = await import('./sections/gateway.ts');
const { measureScale } = await import('./sections/scale.ts');
const { measureStorm } = await import('./sections/storm.ts');

const wanted = process.argv.slice(2);
const isWanted = (section: string): boolean => wanted.length === 0 || wanted.includes(section);
const say = (line: string): void => console.error(`bench: ${line}`);

say('building ...');
build();
const report: Partial<Report> = {};
const latchkey = await startLatchkey();
try {
  if (isWanted('a')) {
    say('a: verification ...');
    report.verification = await measureVerification(latchkey);
  }
  if (isWanted('b')) {
    say('b: endpoints, about seven minutes ...');
    report.endpoints = await measureEndpoints(latchkey);
  }
  if (isWanted('c')) {
    say('c: revocation ...');
    report.revocation = [await measureRevocation(latchkey, [1]), await measureRevocation(latchkey, [25, 25, 25, 25])];
  }
  if (isWanted('e')) {
    say('e: a storm of logins ...');
    report.storm = await measureStorm(latchkey);
  }
  if (isWanted('f')) {
    say('f: every kind of credential ...');
    report.credentials = await measureCredentials(latchkey);
  }
  if (isWanted('g')) {
    say('g: behind nginx ...');
    report.gateway = hasNginx() ? await measureGateway(latchkey) : undefined;
  }
  if (isWanted('h')) {
    say('h: a thousand verifiers ...');
    report.scale = await measureScale(latchkey);
  }
} finally {
  await latchkey.stop();
}
if (isWanted('d')) {
  say('d: start and memory ...');
  report.start = await measureStart();
}

const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 1e9)} GB, Node ${process.versions.node}`;
const text = renderReport(report, machine);
console.log(text);
if (wanted.length === 0 && process.env.LATCHKEY_BENCH_TRIAL !== '1') {
  const docs = fileURLToPath(new URL('../docs', import.meta.url));
  mkdirSync(docs, { recursive: true });
  writeFileSync(join(docs, 'performance.md'), text);
  say('wrote docs/performance.md');
}

function hasNginx(): boolean {
  const isHere = spawnSync('nginx', ['-v']).status === 0;
  if (!isHere) say('nginx is not installed here: left out');
  return isHere;
}
