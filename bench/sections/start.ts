// (d) From the start of the built server to its first 200, and what it takes of memory.
import { load, repeating } from '../load.ts';
import { median } from '../statistics.ts';
import { FORM, startLatchkey } from '../subjects/latchkey.ts';

const STARTS = 7;

export interface StartFigures {
  readonly milliseconds: number;
  readonly megabytes: number;
  readonly megabytesAfterLoad: number;
}

export async function measureStart(): Promise<StartFigures> {
  const times: number[] = [];
  const idle: number[] = [];
  const loaded: number[] = [];
  for (let index = 0; index < STARTS; index++) {
    const latchkey = await startLatchkey();
    times.push(latchkey.startMilliseconds);
    idle.push(latchkey.process.residentBytes() / 1e6);
    if (index === 0) {
      const authorization = await latchkey.machine();
      const turn = {
        path: '/oauth/token',
        headers: { authorization, 'content-type': FORM },
        body: 'grant_type=client_credentials',
      };
      await load(
        latchkey.port,
        Array.from({ length: 16 }, () => repeating(() => turn)),
        5,
      );
      loaded.push(latchkey.process.residentBytes() / 1e6);
    }
    await latchkey.stop();
  }
  return { milliseconds: median(times), megabytes: median(idle), megabytesAfterLoad: median(loaded) };
}
