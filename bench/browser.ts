/** Somebody at a page, who says what the form of the page is to be sent with. */
export type Typed = (page: string) => Readonly<Record<string, string>>;

/** A browser without a screen: it keeps cookies, and goes wherever it is sent. */
export interface Browser {
  /** Goes on from a URL, fills in what is asked, and stops where it is sent to a URL that begins so. */
  walk(url: string, end: string, typed: Typed): Promise<URL>;
  /** What it would send as its cookies to any path. */
  cookies(): string;
}

const STEPS_MAX = 10;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

function cookieOf(line: string): Cookie {
  const [pair = ''] = line.split(';');
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), path: /;\s*path=([^;]*)/i.exec(line)?.[1] ?? '/' };
}

/** @param address what it seems to come from: sign-ins of one address are limited */
export function createBrowser(address: string): Browser {
  const kept = new Map<string, Cookie>();
  const cookiesFor = (path: string): string =>
    [...kept.values()]
      .filter((cookie) => path.startsWith(cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  async function visit(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const cookie = cookiesFor(new URL(url).pathname);
    const headers = { cookie, 'x-forwarded-for': address, 'sec-fetch-site': 'same-origin' };
    const body = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) };
    const answer = await fetch(url, { redirect: 'manual', headers, ...body });
    for (const line of answer.headers.getSetCookie()) {
      const cookie = cookieOf(line);
      const key = `${cookie.name} ${cookie.path}`;
      if (cookie.value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) kept.delete(key);
      else kept.set(key, cookie);
    }
    return answer;
  }
  return {
    cookies: () => cookiesFor('/'),
    async walk(start, end, typed) {
      let url = start;
      let answer = await visit(url);
      for (let step = 0; step < STEPS_MAX; step++) {
        const page = await answer.text();
        const location = answer.headers.get('location');
        if (location !== null) {
          const to = new URL(location, url);
          if (to.href.startsWith(end)) return to;
          url = to.href;
          answer = await visit(url);
          continue;
        }
        const action = attribute(page, /<form method="post" action="([^"]*)"/);
        if (answer.status !== 200 || action === undefined) throw new Error(`${url} answered ${answer.status} ${page}`);
        url = new URL(action, url).href;
        answer = await visit(url, { ...hiddenIn(page), ...typed(page) });
      }
      throw new Error(`there is no end to what ${start} asks`);
    },
  };
}

const plain = (text: string): string =>
  text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
const attribute = (page: string, pattern: RegExp): string | undefined => {
  const found = pattern.exec(page)?.[1];
  return found === undefined ? undefined : plain(found);
};
const hiddenIn = (page: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      plain(name),
      plain(value),
    ]),
  );
