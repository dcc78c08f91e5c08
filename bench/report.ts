import type { CredentialFigures } from './sections/credentials.ts';
import type { EndpointFigures } from './sections/endpoints.ts';
import type { GatewayFigure } from './sections/gateway.ts';
import type { RevocationFigures } from './sections/revocation.ts';
import type { ScaleFigures } from './sections/scale.ts';
import type { StartFigures } from './sections/start.ts';
import type { StormFigures } from './sections/storm.ts';
import type { VerificationFigures } from './sections/verification.ts';

/** The figures of one run. */
export interface Report {
  verification: VerificationFigures;
  endpoints: EndpointFigures;
  revocation: readonly RevocationFigures[];
  start: StartFigures;
  storm: StormFigures;
  credentials: CredentialFigures;
  /** Undefined where nginx is not installed. */
  gateway: Readonly<Record<string, GatewayFigure>> | undefined;
  scale: ScaleFigures;
}

const digits = (value: number, places: number): string => value.toFixed(places);

/** A target, and whether this run reached it. */
const target = (text: string, value: number, isReached: boolean, unit: string, places = 2): string =>
  `| ${text} | ${digits(value, places)}${unit} | ${isReached ? 'yes' : '**no**'} |`;

const TARGETS = ['', '| target | measured | reached |', '| --- | --- | --- |'];
const of = (row: Readonly<Record<string, number>>, name: string): number => row[name] ?? Number.NaN;

function verification({ cold, warm }: VerificationFigures): readonly string[] {
  const [bare, ours] = [of(cold, 'bare call'), of(cold, 'Latchkey')];
  const ratio = of(warm, 'fast-jwt with cache') / of(warm, 'Latchkey');
  return [
    '## Verification',
    '',
    'One ES256 access token, claims and revocations checked. Cold: each token is seen for the first time. Warm: each was seen before.',
    '',
    '| cold | microseconds |',
    '| --- | --- |',
    ...Object.entries(cold).map(([name, value]) => `| ${name} | ${digits(value, 1)} |`),
    '',
    '| warm | microseconds |',
    '| --- | --- |',
    ...Object.entries(warm).map(([name, value]) => `| ${name} | ${digits(value, 2)} |`),
    ...TARGETS,
    target('warm at least 2 times as fast as the cache of fast-jwt', ratio, ratio >= 2, ' times'),
    target('cold at least 90 % of the bare call', (bare / ours) * 100, bare / ours >= 0.9, ' %', 1),
    target('cold faster than fast-jwt', of(cold, 'fast-jwt') / ours, ours < of(cold, 'fast-jwt'), ' times'),
    target('cold 1.4 times jose', of(cold, 'jose') / ours, of(cold, 'jose') / ours >= 1.4, ' times'),
    '',
  ];
}

function endpoints(figures: EndpointFigures): readonly string[] {
  const ratio = (name: string): number => {
    const row = figures[name] ?? {};
    const peer = Object.entries(row).find(([who]) => who.startsWith('oidc-provider'))?.[1].perCpuSecond ?? Number.NaN;
    return (row.Latchkey?.perCpuSecond ?? Number.NaN) / peer;
  };
  return [
    '## Endpoints',
    '',
    'Requests that one CPU-second of the server process answers, under 64 connections. Latchkey runs on SQLite and every',
    'refresh is on disk before it is answered; oidc-provider keeps everything in memory; the bare server is `node:http`',
    'with the same signature and, for a refresh, the same durable write: the limit.',
    '',
    '`code_flow` is two requests, counted as one: `/authorize` by a browser that is signed in already, with S256, a `state`',
    'and a `nonce` and without a page, and the redemption of its code by a client with a secret. It ends with an access token',
    'for one API and an ID token, each signed with ES256, and without a refresh token, on all sides. Latchkey writes the code',
    'by its hash, and at the redemption that it is spent, and a family; each is on disk before it is answered.',
    'oidc-provider writes the code, and that it is spent, and the session, to memory. The bare server writes twice, durably.',
    '',
    '`userinfo` answers with `sub`. At Latchkey the access token is a JWT: its signature is verified, and what can have ended',
    'it is read from the database; oidc-provider takes no JWT there, and looks an opaque token and its grant up in memory. The',
    'bare server verifies one signature and reads one row.',
    '',
    '| endpoint | server | requests per CPU-second | p50 ms | p99 ms |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(figures).flatMap(([name, row]) =>
      Object.entries(row).map(
        ([who, { perCpuSecond, p50, p99 }]) =>
          `| ${name} | ${who} | ${digits(perCpuSecond, 0)} | ${digits(p50, 2)} | ${digits(p99, 2)} |`,
      ),
    ),
    ...TARGETS,
    target(
      'client_credentials at least 2 times oidc-provider',
      ratio('client_credentials'),
      ratio('client_credentials') >= 2,
      ' times',
    ),
    target(
      'introspection of an opaque token at least 2.5 times oidc-provider',
      ratio('introspection'),
      ratio('introspection') >= 2.5,
      ' times',
    ),
    target('refresh at least 2.5 times oidc-provider', ratio('refresh_token'), ratio('refresh_token') >= 2.5, ' times'),
    '',
  ];
}

function revocation(figures: readonly RevocationFigures[]): readonly string[] {
  const worst = Math.max(...figures.map(({ p99 }) => p99));
  return [
    '## Revocation',
    '',
    'From the acknowledgement of a revocation to the first refusal by the last verifier, in other processes that look once',
    'a millisecond. Milliseconds.',
    '',
    '| verifiers | samples | p50 | p99 | max |',
    '| --- | --- | --- | --- | --- |',
    ...figures.map(
      ({ verifiers, samples, p50, p99, max }) =>
        `| ${verifiers} | ${samples} | ${digits(p50, 1)} | ${digits(p99, 1)} | ${digits(max, 1)} |`,
    ),
    ...TARGETS,
    target('p99 under 100 ms', worst, worst < 100, ' ms', 1),
    '',
  ];
}

const start = ({ milliseconds, megabytes, megabytesAfterLoad }: StartFigures): readonly string[] => [
  '## Start and memory',
  '',
  'The built `latchkey serve` on a database that was just made, to the first 200 of `/readyz`.',
  ...TARGETS,
  target('ready in under 1 s', milliseconds, milliseconds < 1_000, ' ms', 0),
  target('under 110 MB resident when ready', megabytes, megabytes < 110, ' MB', 0),
  `| (after five seconds of full load) | ${digits(megabytesAfterLoad, 0)} MB | |`,
  '',
];

const storm = ({ calm, storm: stormy, logins }: StormFigures): readonly string[] => [
  '## A storm of logins',
  '',
  `The p99 of refreshes, calm and while ${logins} logins a second come in, most of which are shed with 503 and Retry-After.`,
  'The load comes from the same machine.',
  ...TARGETS,
  `| p99 of refreshes, calm | ${digits(calm, 2)} ms | |`,
  `| p99 of refreshes, in the storm | ${digits(stormy, 2)} ms | |`,
  target('the storm moves it by less than 2 times', stormy / calm, stormy / calm < 2, ' times'),
  '',
];

function credentials({ warm, cold, callsWarm, memory, cached, revoked }: CredentialFigures): readonly string[] {
  const of = (name: string): number => warm[name] ?? Number.NaN;
  const [jwt, opaque, key] = [of('JWT, Latchkey'), of('opaque token, Latchkey'), of('API key, Latchkey')];
  const rows = (figures: Readonly<Record<string, number>>, places: number) =>
    Object.entries(figures).map(([name, value]) => `| ${name} | ${digits(value, places)} |`);
  return [
    '## Every kind of credential',
    '',
    'One check by the verifier of a credential that it has seen before, with its revocation, and the first check of one. An',
    'opaque token and an API key cost one introspection then, over the loopback interface. better-auth reads and writes a',
    'row for each check; here its rows are in memory, its own rate limit is off, and nothing is a network call.',
    '',
    '| warm | microseconds |',
    '| --- | --- |',
    ...rows(warm, 2),
    '',
    '| cold | microseconds |',
    '| --- | --- |',
    ...rows(cold, 0),
    ...TARGETS,
    target('a warm opaque token within 1.5 times of a warm JWT', opaque / jwt, opaque / jwt <= 1.5, ' times'),
    target('a warm API key within 1.5 times of a warm JWT', key / jwt, key / jwt <= 1.5, ' times'),
    target('no introspection for a warm check', callsWarm, callsWarm === 0, ' calls', 0),
    `| a verifier with nothing in it, resident | ${digits(memory.empty ?? Number.NaN, 0)} MB | |`,
    `| with ${cached} tokens | ${digits(memory.withTokens ?? Number.NaN, 0)} MB | |`,
    `| and ${revoked} revocations | ${digits(memory.whole ?? Number.NaN, 0)} MB | |`,
    '',
  ];
}

const gateway = (figures: Readonly<Record<string, GatewayFigure>>): readonly string[] => [
  '## Behind nginx',
  '',
  'A small static file behind `auth_request`, 32 connections; load, nginx, sidecar and server share this machine.',
  '',
  '| | requests per second | p50 ms | p99 ms |',
  '| --- | --- | --- | --- |',
  ...Object.entries(figures).map(
    ([name, { perSecond, p50, p99 }]) =>
      `| ${name} | ${digits(perSecond, 0)} | ${digits(p50, 2)} | ${digits(p99, 2)} |`,
  ),
  '',
];

const scale = ({ verifiers, aSecond, samples, p50, p99, max, cpu, cpuIdle }: ScaleFigures): readonly string[] => [
  '## A thousand verifiers',
  '',
  `${verifiers} connected verifiers in two other processes on this machine, ${aSecond} revocations a second, ${samples} in all: from the`,
  'acknowledgement of each until the last verifier has read it. Most of the work is that of the readers.',
  ...TARGETS,
  `| p50 | ${digits(p50, 1)} ms | |`,
  target('p99 under 100 ms', p99, p99 < 100, ' ms', 1),
  `| max | ${digits(max, 1)} ms | |`,
  `| the server's share of a core meanwhile | ${digits(cpu * 100, 0)} % | |`,
  `| the same while nothing is revoked | ${digits(cpuIdle * 100, 0)} % | |`,
  '',
];

/** The report as it stands in docs/performance.md. Sections that did not run are left out. */
export function renderReport(report: Partial<Report>, machine: string): string {
  const lines = [
    '# Performance',
    '',
    'Written by `npm run bench`, all in one run; medians of interleaved rounds. Ratios carry over to other machines,',
    'absolute figures do not.',
    '',
    `Machine: ${machine}.`,
    '',
    ...(report.verification === undefined ? [] : verification(report.verification)),
    ...(report.endpoints === undefined ? [] : endpoints(report.endpoints)),
    ...(report.revocation === undefined ? [] : revocation(report.revocation)),
    ...(report.start === undefined ? [] : start(report.start)),
    ...(report.credentials === undefined ? [] : credentials(report.credentials)),
    ...(report.gateway === undefined ? [] : gateway(report.gateway)),
    ...(report.scale === undefined ? [] : scale(report.scale)),
    ...(report.storm === undefined ? [] : storm(report.storm)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
